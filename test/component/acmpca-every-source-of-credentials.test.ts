import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { openDataSources } from '../../src/data-source.ts';
import { AgentError } from '../../src/errors.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { AcmPcaConfig } from '../../src/issuer/acmpca/config.ts';
import type { IssuerContext } from '../../src/issuer/issuer.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { issueIdentity } from '../../src/rotation/issue-identity.ts';
import { useEnvironment } from '../helpers/environment.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { ENDPOINT_VARIABLE, type PrivateCa, startPrivateCaService } from '../helpers/private-ca.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const service = await startPrivateCaService(t);
const WANTED = {
  spiffeId: new SpiffeId('default', '/web'),
  keyType: 'ec-p256',
  mayChangeKeyType: true,
  ttlSeconds: 3600,
} as const;

/** An issuer in this environment, where the SDK finds nothing else. */
async function setUp(
  t: Test,
  environment: Readonly<Record<string, string>>,
  { config = { credentials: undefined }, ...context }: Partial<IssuerContext> & { config?: Partial<AcmPcaConfig> } = {},
) {
  useEnvironment(t, 'AWS_', {
    [ENDPOINT_VARIABLE]: service.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    ...environment,
  });
  const ca: PrivateCa = await service.createCa();
  const issuer = await openIssuer({ ...ca.config, ...config }, makeIssuerContext(context));
  t.teardown(() => issuer.close());
  const signal = new AbortController().signal;
  return {
    ca,
    issuer,
    issue: () => issueIdentity(WANTED, { issuer, clock: systemClock }, signal),
    usedKeys: async () => [...new Set((await ca.calls()).map(({ accessKeyId }) => accessKeyId))],
  };
}

/** Serves credentials as the agent of EKS Pod Identity does, to whoever shows the token. */
async function startPodIdentity(t: Test, answer: (authorization: string | undefined) => object) {
  const server = createServer(({ headers }, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(headers.authorization)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/credentials`;
}

t.test('the configured ones, read anew for each certificate', async (t) => {
  const directory = temporaryDirectory(t);
  const store = (id: string) => {
    writeFileSync(join(directory, 'id'), `${id}\n`);
    writeFileSync(join(directory, 'key'), 'secret');
  };
  store('AKIAFIRST');
  const credentials = {
    accessKey: { kind: 'secret', name: 'id' },
    accessKeySecret: { kind: 'secret', name: 'key' },
  } as const;
  const readSource = openDataSources(directory);
  const { issue, usedKeys, ca } = await setUp(
    t,
    { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 'x' },
    {
      config: { credentials },
      readSource,
    },
  );
  await issue();
  store('AKIASECOND');
  await issue();
  t.same(await usedKeys(), ['AKIAFIRST', 'AKIASECOND']);
  t.same(new Set((await ca.calls()).map(({ region }) => region)), new Set(['eu-central-1']));
  writeFileSync(join(directory, 'key'), 'AKIA secret');
  await t.rejects(issue(), { code: 'ERR_SOURCE', message: /accessKeySecret holds more than one word/ });
  writeFileSync(join(directory, 'key'), '');
  await t.rejects(issue(), { code: 'ERR_SOURCE' });
});

t.test('the environment, and the region is that of the CA', async (t) => {
  const { issue, usedKeys, ca } = await setUp(t, {
    AWS_ACCESS_KEY_ID: 'AKIAENV',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_SESSION_TOKEN: 'session',
    AWS_REGION: 'us-west-2',
  });
  await issue();
  t.same(await usedKeys(), ['AKIAENV']);
  t.hasStrict((await ca.calls())[0], { region: 'eu-central-1', sessionToken: 'session' });
});

t.test('a profile in a file', async (t) => {
  const file = join(temporaryDirectory(t), 'credentials');
  writeFileSync(file, '[web]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n');
  const { issue, usedKeys } = await setUp(t, { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'web' });
  await issue();
  t.same(await usedKeys(), ['AKIAPROFILE']);
});

t.test('the web identity of a service account (IRSA), once for as long as it lasts', async (t) => {
  const file = join(temporaryDirectory(t), 'token');
  writeFileSync(file, 'header.claims.signature');
  const ends: [string, number][] = [];
  const observer = {
    stepTook() {},
    clockSkewSeen() {},
    credentialExpires: (kind: string, atMs: number) => void ends.push([kind, atMs]),
  };
  const { issue, ca } = await setUp(
    t,
    {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/web',
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ENDPOINT_URL_STS: service.url,
    },
    { observer },
  );
  await issue();
  await issue();
  const calls = await ca.calls();
  t.equal(new Set(calls.map(({ sessionToken }) => sessionToken)).size, 1, 'STS was asked once');
  t.ok(calls[0]?.sessionToken);
  t.equal(ends[0]?.[0], 'aws_credentials');
  t.ok((ends[0]?.[1] ?? 0) > Date.now());
});

t.test('EKS Pod Identity, asked anew when AWS does not take them any more', async (t) => {
  const file = join(temporaryDirectory(t), 'token');
  writeFileSync(file, 'pod-token');
  let asked = 0;
  const uri = await startPodIdentity(t, (authorization) => {
    asked += 1;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    return { AccessKeyId: `ASIA${asked}${authorization}`, SecretAccessKey: 'x', Token: `session-${asked}`, Expiration };
  });
  const { issue, usedKeys, ca } = await setUp(t, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: uri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
  });
  await issue();
  await issue();
  t.same(await usedKeys(), ['ASIA1pod-token']);
  await ca.setFaults({ action: 'IssueCertificate', error: 'ExpiredTokenException', message: 'expired', times: 1 });
  await t.rejects(issue(), { code: 'ERR_LOGIN_DENIED', message: /our AWS credentials have expired/ });
  await issue();
  t.same(await usedKeys(), ['ASIA1pod-token', 'ASIA2pod-token']);
});

t.test('there are none', async (t) => {
  const { issue, issuer } = await setUp(t, {});
  const signal = new AbortController().signal;
  for (const work of [issue(), issuer.probe(signal), issuer.readRoots(signal)]) {
    const error = AgentError.from(await work.catch((thrown: unknown) => thrown));
    t.equal(error.code, 'ERR_SOURCE', error.line);
    t.match(
      error.line,
      /^no AWS credentials were found; give this pod or machine an IAM role, or set AWS_ACCESS_KEY_ID/,
    );
  }
});

t.test('a role that may not be assumed', async (t) => {
  const file = join(temporaryDirectory(t), 'token');
  writeFileSync(file, 'header.claims.signature');
  const answer =
    '<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts</Message></Error></ErrorResponse>';
  const server = createServer(
    (_, outgoing) => void outgoing.writeHead(403, { 'content-type': 'text/xml' }).end(answer),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { issue } = await setUp(t, {
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/web',
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  const error = AgentError.from(await issue().catch((thrown: unknown) => thrown));
  t.equal(error.code, 'ERR_LOGIN_DENIED', error.line);
  t.match(error.line, /Not authorized to perform sts.*trust policy/);
});

t.test('a metadata service that does not answer takes no longer than an issue may', async (t) => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { issue } = await setUp(
    t,
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` },
    { requestTimeoutMs: 300 },
  );
  await t.rejects(issue(), { code: 'ERR_SOURCE', message: 'no AWS credentials were found in time' });
});
