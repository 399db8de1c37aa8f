import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { openCaMaker, readOrMakeCa } from '../../../src/ca/kept-ca.ts';
import type { Kubernetes } from '../../../src/kubernetes/kubernetes.ts';
import { KubernetesError } from '../../../src/kubernetes/kubernetes-error.ts';
import { openCaSecrets } from '../../../src/signer/ca-secrets.ts';

interface Secret {
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
}

const refuse = (status: number) => new KubernetesError('ERR_CA_DENIED', `answered ${status}`, { status });
const WHAT = { mesh: 'default', backend: 'ca-1' };
const CERT = 'default.ca-builtin-cert-ca-1';
const KEY = 'default.ca-builtin-key-ca-1';

/** Keeps Secrets in memory as the API server does: each is made once. It knows nothing else of one. */
function openSecrets() {
  const stored = new Map<string, Secret>();
  const secrets = { stored, getFails: undefined as number | undefined };
  const kubernetes = {
    async get(path: string) {
      if (secrets.getFails !== undefined) throw refuse(secrets.getFails);
      const found = stored.get(path.split('/').at(-1) ?? '');
      if (found === undefined) throw refuse(404);
      return found;
    },
    async create(_: string, { metadata, stringData = {} }: Secret) {
      if (stored.has(metadata.name)) throw refuse(409);
      const encode = ([key, text]: [string, string]) => [key, Buffer.from(text).toString('base64')];
      stored.set(metadata.name, { metadata, data: Object.fromEntries(Object.entries(stringData).map(encode)) });
    },
  } as unknown as Kubernetes;
  const keeper = openCaSecrets(kubernetes, 'ns', new AbortController().signal);
  let made = 0;
  const maker = openCaMaker({
    ...WHAT,
    trustDomain: 'default',
    caTtlSeconds: 3600,
    nowMs: () => Date.now(),
    made: () => {
      made += 1;
    },
  });
  return { secrets, keeper, maker, made: () => made };
}

t.test('those that start together agree on one CA, whose key fits', async (t) => {
  const { keeper, maker, secrets } = openSecrets();
  const all = await Promise.all(Array.from({ length: 8 }, () => readOrMakeCa(keeper, WHAT, maker)));
  t.equal(new Set(all.map(({ certificatePem }) => certificatePem)).size, 1);
  t.equal(new Set(all.map(({ privateKeyPem }) => privateKeyPem)).size, 1);
  t.same([...secrets.stored.keys()].sort(), [CERT, KEY]);
  const [{ certificatePem, privateKeyPem } = { certificatePem: '', privateKeyPem: '' }] = all;
  const { createPrivateKey } = await import('node:crypto');
  t.ok(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem)));
});

t.test('one that was interrupted between key and certificate is continued with its key', async (t) => {
  const { keeper, maker, secrets } = openSecrets();
  const first = await readOrMakeCa(keeper, WHAT, maker);
  secrets.stored.delete(CERT);
  const again = await readOrMakeCa(keeper, WHAT, maker);
  t.equal(again.privateKeyPem, first.privateKeyPem);
  t.not(again.certificatePem, first.certificatePem);
});

t.test('a CA is never made beside one that is there, or may be', async (t) => {
  const { keeper, maker, secrets, made } = openSecrets();
  await readOrMakeCa(keeper, WHAT, maker);
  secrets.stored.delete(KEY);
  await t.rejects(readOrMakeCa(keeper, WHAT, maker), { code: 'ERR_SOURCE', message: /its key is not at the Secret "/ });
  secrets.stored.clear();
  await t.rejects(readOrMakeCa(keeper, WHAT, undefined), { message: /the CA that is in use is gone/ });
  for (const status of [403, 500]) {
    secrets.getFails = status;
    await t.rejects(readOrMakeCa(keeper, WHAT, maker), { message: `answered ${status}` });
  }
  t.equal(made(), 1);
  t.equal(secrets.stored.size, 0);
});

t.test('a Secret of another make is told', async (t) => {
  const { keeper, maker, secrets } = openSecrets();
  secrets.stored.set(CERT, { metadata: { name: CERT }, data: { 'tls.crt': 'x' } });
  await t.rejects(readOrMakeCa(keeper, WHAT, maker), {
    code: 'ERR_SOURCE',
    message: /the Secret "default\.ca-builtin-cert-ca-1" in the namespace "ns" has no key "value"/,
  });
});
