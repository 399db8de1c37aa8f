/**
 * What every issuer promises, whatever CA is behind it. A kind keeps it when its runner, a test file that makes such a
 * CA ready, passes.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto';
import type { Test } from 'tap';
import type { IssuerConfig } from '../../src/config/config.ts';
import { AgentError, type ErrorCode } from '../../src/errors.ts';
import { makeCsr } from '../../src/identity/csr.ts';
import type { Identity } from '../../src/identity/identity.ts';
import { type KeyType, makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { verifyIssued } from '../../src/identity/verify.ts';
import type { Issued, Issuer, IssuerContext } from '../../src/issuer/issuer.ts';
import { openIssuer } from '../../src/issuer/open.ts';
import { makeIssuerContext } from '../helpers/issuer-context.ts';
import { readWithOpenssl, verifyWithOpenssl } from '../helpers/openssl.ts';

export interface IssuerUnderContract {
  /** A CA that signs EC and RSA keys for every path of the trust domain `default`, for an hour and longer. */
  readonly config: IssuerConfig;
  /** The same kind where there is no CA, and how that is told. */
  readonly absent: { readonly config: IssuerConfig; readonly code: ErrorCode };
  /** It knows who asks, and certifies `spiffe://default/web` for us and nothing else. */
  readonly certifiesUsAlone?: true;
  /** The shortest life that can be asked for, in seconds. Default: none. */
  readonly leastTtlSeconds?: number;
  /** Default: nothing can be read from the secrets directory. */
  readonly context?: Partial<IssuerContext>;
}

const TTL_SECONDS = 3600;
const WEB = new SpiffeId('default', '/web');

/** Adds the tests to `t`, each with an issuer of its own. */
export function holdToIssuerContract(t: Test, subject: IssuerUnderContract): void {
  const { config, absent, certifiesUsAlone, leastTtlSeconds = 0, context = {} } = subject;
  const open = (wanted: IssuerConfig = config) => openIssuer(wanted, makeIssuerContext(context));
  const check = (name: string, work: (t: Test, issuer: Issuer) => Promise<void>) =>
    t.test(name, async (t) => {
      const issuer = await open();
      t.teardown(() => issuer.close());
      await work(t, issuer);
    });

  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    check(`certifies a key of type ${keyType}, and strangers agree`, async (t, issuer) => {
      const { issued, identity } = await issue(issuer, { keyType });
      const [leaf, ...above] = identity.chain.map((der) => derToPem('CERTIFICATE', der));
      const roots = issued.roots.map((der) => derToPem('CERTIFICATE', der));
      await verifyWithOpenssl(leaf ?? '', { intermediates: above, roots });
      const { names, serialNumber } = await readWithOpenssl(leaf ?? '');
      t.same(names, ['URI:spiffe://default/web'], 'the SPIFFE ID asked for is the only name');
      t.equal(serialNumber, identity.serialNumber);
    });
  }

  check('certifies the path that is asked for, or refuses it', async (t, issuer) => {
    const spiffeId = new SpiffeId('default', '/ns/shop/sa/orders.v1_a-b');
    if (certifiesUsAlone) return void t.equal((await catchError(issue(issuer, { spiffeId }))).code, 'ERR_CA_REFUSED');
    const { identity } = await issue(issuer, { spiffeId });
    t.equal(identity.spiffeId.toString(), 'spiffe://default/ns/shop/sa/orders.v1_a-b');
  });

  check('gives a life within what was asked', async (t, issuer) => {
    for (const ttlSeconds of [TTL_SECONDS, Math.max(120, leastTtlSeconds)]) {
      const before = Date.now();
      const { identity } = await issue(issuer, { ttlSeconds });
      const lifeMs = identity.notAfter.getTime() - before;
      t.ok(lifeMs <= ttlSeconds * 1000 + (Date.now() - before) + 1000, `${lifeMs} ms of ${ttlSeconds} s`);
      t.ok(lifeMs > (ttlSeconds * 1000) / 2, `${lifeMs} ms are not much less than ${ttlSeconds} s`);
    }
  });

  check('gives every certificate a serial number of its own', async (t, issuer) => {
    const issued = [await issue(issuer), await issue(issuer), await issue(issuer)];
    t.equal(new Set(issued.map(({ identity }) => identity.serialNumber)).size, 3);
  });

  check('never certifies an identity that was not asked for', async (t, issuer) => {
    const privateKey = await makePrivateKey('ec-p256');
    const csr = makeCsr(new SpiffeId('default', '/somebody-else'), privateKey);
    const outcome = await issuer
      .issue({ spiffeId: WEB, keyType: 'ec-p256', ttlSeconds: TTL_SECONDS, makeCsr: async () => csr }, never())
      .then((issued) => verifyIssued(issued, { spiffeId: WEB, privateKey }, Date.now()).identity)
      .catch((thrown: unknown) => thrown);
    if (outcome instanceof AgentError) t.match(outcome.code, /^ERR_(CA_REFUSED|BAD_CERTIFICATE)$/);
    else t.equal((outcome as Identity).spiffeId, WEB);
  });

  check('refuses a request that is damaged, or signed by another key', async (t, issuer) => {
    const csr = makeCsr(WEB, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    const tampered = Buffer.from(csr);
    tampered[csr.length - 1] = csr.readUInt8(csr.length - 1) ^ 1;
    for (const bad of [Buffer.from('no request'), csr.subarray(0, -20), tampered]) {
      const thrown = await fail(issuer, async () => bad);
      t.equal(thrown.code, 'ERR_CA_REFUSED', thrown.line);
      t.notMatch(thrown.line, /\n/);
    }
  });

  check('ends when it is given up', async (t, issuer) => {
    const asked = new AbortController();
    const whileAsked = await fail(
      issuer,
      async () => {
        asked.abort();
        return makeCsr(WEB, await makePrivateKey('ec-p256'));
      },
      asked.signal,
    );
    t.ok(whileAsked, 'while it waits for the request');
    t.ok(await fail(issuer, makeGoodCsr, AbortSignal.abort()), 'before it begins');
    t.ok(await issue(issuer), 'and can be asked again');
  });

  check('passes on why there is no request', async (t, issuer) => {
    const failure = new AgentError('ERR_INTERNAL', 'no key could be made');
    t.equal(
      await fail(issuer, async () => {
        throw failure;
      }),
      failure,
    );
  });

  check('tells the trust anchors without issuing: those that a certificate comes with', async (t, issuer) => {
    const before = await issuer.readRoots(never());
    const { issued, privateKey } = await issue(issuer);
    t.same(hex(before), hex(issued.roots));
    t.ok(before.length > 0);
    t.ok(verifyIssued({ ...issued, roots: before }, { spiffeId: WEB, privateKey }, Date.now()));
  });

  check('is well when it can sign', async (t, issuer) => {
    await t.resolves(issuer.probe(never()));
  });

  t.test('where there is no CA, opening is fine, and every call says so', async (t) => {
    const issuer = await open(absent.config);
    const thrown = await Promise.all([
      fail(issuer, makeGoodCsr),
      catchError(issuer.probe(never())),
      catchError(issuer.readRoots(never())),
    ]);
    for (const error of thrown) {
      t.equal(error.code, absent.code, error.line);
      t.notMatch(error.line, /\n/);
      t.not(error.retry, 'never', 'it may come later');
    }
    await issuer.close();
  });

  t.test('closes twice, used or not', async (t) => {
    for (const isUsed of [false, true]) {
      const issuer = await open();
      if (isUsed) await issue(issuer);
      await t.resolves(Promise.all([issuer.close(), issuer.close()]));
      await t.resolves(issuer.close());
    }
  });
}

interface Wanted {
  readonly keyType?: KeyType;
  readonly spiffeId?: SpiffeId;
  readonly ttlSeconds?: number;
}

/** Issues with a new key, and verifies the answer as the agent does. */
async function issue(issuer: Issuer, wanted: Wanted = {}) {
  const { keyType = 'ec-p256', spiffeId = WEB, ttlSeconds = TTL_SECONDS } = wanted;
  const privateKey = await makePrivateKey(keyType);
  const makeRequest = async () => makeCsr(spiffeId, privateKey);
  const issued: Issued = await issuer.issue({ spiffeId, keyType, ttlSeconds, makeCsr: makeRequest }, never());
  const { identity } = verifyIssued(issued, { spiffeId, privateKey }, Date.now());
  return { issued, identity, privateKey };
}

/** Issues in vain. */
function fail(issuer: Issuer, makeRequest: () => Promise<Buffer>, signal = never()): Promise<AgentError> {
  const request = { spiffeId: WEB, keyType: 'ec-p256', ttlSeconds: TTL_SECONDS, makeCsr: makeRequest } as const;
  return catchError(issuer.issue(request, signal));
}

async function catchError(work: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (thrown instanceof AgentError) return thrown;
  throw new Error('it did not fail with an AgentError', { cause: thrown });
}

async function makeGoodCsr(): Promise<Buffer> {
  return makeCsr(WEB, await makePrivateKey('ec-p256'));
}

function hex(certificates: readonly Buffer[]): string[] {
  return certificates.map((der) => der.toString('hex')).sort();
}

function never(): AbortSignal {
  return new AbortController().signal;
}
