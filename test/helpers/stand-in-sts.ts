/**
 * Stands for AWS STS, for its action GetCallerIdentity alone: it has one caller, checks Signature Version 4 by the
 * published rules (scope, time, signed headers, signature) and answers in STS's XML. Leaves out every other action,
 * query-string signatures, TLS, and throttling.
 *
 * @module
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StsCaller {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Undefined: long-term credentials. */
  readonly sessionToken?: string;
  /** `arn:aws:sts::123456789012:assumed-role/web/session` */
  readonly arn: string;
  readonly userId: string;
}

export interface StandInSts {
  /** For `sts_endpoint` of Vault. */
  readonly address: string;
  /** Code of each answer so far: `OK`, `SignatureDoesNotMatch`. */
  readonly answers: string[];
  close(): Promise<void>;
}

interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const MAX_SKEW_MS = 15 * 60_000;

export async function startStandInSts(caller: StsCaller, region = 'us-east-1'): Promise<StandInSts> {
  const answers: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const body = await incoming.setEncoding('utf8').reduce((all: string, chunk: string) => all + chunk, '');
    const code = judge({ method, path: url, headers, body }, caller, region);
    answers.push(code ?? 'OK');
    const answer = code === undefined ? renderIdentity(caller) : renderError(code);
    outgoing.writeHead(code === undefined ? 200 : 403, { 'content-type': 'text/xml' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @returns the error code; undefined when the request is the caller's. */
function judge(request: SignedRequest, caller: StsCaller, region: string): string | undefined {
  const { headers, body } = request;
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  if (parts === null) return 'IncompleteSignature';
  const [, credential = '', signedHeaders = '', signature] = parts;
  const [accessKeyId, date = '', ...scope] = credential.split('/');
  if (accessKeyId !== caller.accessKeyId) return 'InvalidClientTokenId';
  if (scope.join('/') !== `${region}/sts/aws4_request`) return 'SignatureDoesNotMatch';
  const time = String(headers['x-amz-date'] ?? '');
  const atMs = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));
  if (!time.startsWith(date) || Math.abs(Date.now() - atMs) > MAX_SKEW_MS) return 'RequestExpired';
  if (headers['x-amz-security-token'] !== caller.sessionToken) return 'InvalidClientTokenId';
  const mustBeSigned = ['host', ...Object.keys(headers).filter((name) => /^x-(amz|vault)-/.test(name))];
  if (!mustBeSigned.every((name) => signedHeaders.split(';').includes(name))) return 'SignatureDoesNotMatch';
  if (sign(request, { time, signedHeaders, scope: [date, ...scope] }, caller) !== signature)
    return 'SignatureDoesNotMatch';
  const parameters = new URLSearchParams(body);
  return parameters.get('Action') === 'GetCallerIdentity' ? undefined : 'InvalidAction';
}

/** AWS, "Create a signed AWS API request": canonical request, string to sign, signing key, signature. */
function sign(
  { method, path, headers, body }: SignedRequest,
  { time, signedHeaders, scope }: { time: string; signedHeaders: string; scope: readonly string[] },
  { secretAccessKey }: StsCaller,
): string {
  const names = signedHeaders.split(';');
  const canonicalHeaders = names.map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  const canonicalPath = path.replace(/\/{2,}/g, '/');
  const canonical = [method, canonicalPath, '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secretAccessKey}`);
  return hmac(key, toSign).toString('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function renderIdentity({ arn, userId }: StsCaller): string {
  const account = arn.split(':')[4];
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult><Arn>${arn}</Arn><UserId>${userId}</UserId><Account>${account}</Account></GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`;
}

function renderError(code: string): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>The request was refused.</Message></Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>`;
}
