import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSources } from '../../src/cli/open-sources.ts';
import { systemClock } from '../../src/clock.ts';
import type { ReadDataSource } from '../../src/data-source.ts';
import { AgentError } from '../../src/errors.ts';
import { readSecret } from '../../src/kubernetes/read-secret.ts';
import { makeServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const account = await makeServiceAccount(cluster, directory);
const secrets = `/api/v1/namespaces/${account.namespace}/secrets`;
const environment = { KUBECONFIG: account.writeKubeconfig() };
const read = openSources(directory, { environment, random: Math.random });

const store = (name: string, stringData: Record<string, string>, type = 'Opaque') =>
  cluster.api('POST', secrets, { metadata: { name }, type, stringData });
await store('kuma', { value: 'as Kuma keeps it' }, 'system.kuma.io/secret');
await store('both', { value: 'the one that counts', note: 'another' });
await store('single', { 'ca.pem': 'the only key' });
await store('several', { a: 'SENSITIVE-1', b: 'SENSITIVE-2' });
await store('blank', { value: ' ' });

async function fail(name: string, reading: ReadDataSource = read): Promise<AgentError> {
  const thrown: unknown = await reading({ kind: 'secret', name }).catch((error: unknown) => error);
  if (!(thrown instanceof AgentError)) throw new Error(`"${name}" was read, or not refused in words`);
  return thrown;
}

t.test('before it is granted, what to grant is told', async (t) => {
  const { code, message, remedy } = await fail('kuma');
  t.equal(code, 'ERR_SOURCE');
  t.match(message, `we may not read the Secret of that name in "${account.namespace}"`);
  t.match(remedy, '{apiGroups: [""], resources: ["secrets"], resourceNames: ["kuma"], verbs: ["get"]}');
});

t.test('granted by name, as told', async (t) => {
  const resourceNames = ['kuma', 'both', 'single', 'several', 'blank', 'none'];
  await account.grant([{ apiGroups: [''], resources: ['secrets'], resourceNames, verbs: ['get'] }]);

  t.equal(await read({ kind: 'secret', name: 'kuma' }), 'as Kuma keeps it', 'key "value"');
  t.equal(await read({ kind: 'secret', name: 'both' }), 'the one that counts', 'beside others, too');
  t.equal(await read({ kind: 'secret', name: 'single' }), 'the only key', 'or the only key');
  const ports = { clock: systemClock, random: Math.random };
  t.equal(await readSecret('kuma', account.access, ports), 'as Kuma keeps it', 'in a pod, too');

  await cluster.api('PUT', `${secrets}/kuma`, {
    metadata: { name: 'kuma' },
    type: 'system.kuma.io/secret',
    stringData: { value: 'anew' },
  });
  t.equal(await read({ kind: 'secret', name: 'kuma' }), 'anew', 'read at each use');

  writeFileSync(join(directory, 'kuma'), 'a file');
  t.equal(await read({ kind: 'secret', name: 'kuma' }), 'a file', 'a file of that name goes before');
});

t.test('what is no use is told without its value', async (t) => {
  const several = await fail('several');
  t.match(several.message, 'has the keys "a", "b", and we look for "value" or a single one');
  t.notMatch(several.line, /SENSITIVE/);
  t.match((await fail('blank')).message, /is empty$/);
  const none = await fail('none');
  t.match(none.message, `the namespace "${account.namespace}" has no Secret of that name`);
  t.match(none.remedy, `kubectl -n ${account.namespace} create secret generic none --from-file=value=FILE`);
});

t.test('without Kubernetes, a secret is a file or missing', async (t) => {
  const { message } = await fail('single', openSources(directory, { environment: {}, random: Math.random }));
  t.match(message, /no such file$/);
});

t.test('an API server that is away is tried again soon, since that passes', async (t) => {
  const access = { ...account.access, address: 'https://127.0.0.1:1' };
  const ports = { clock: systemClock, random: Math.random };
  const thrown = await readSecret('kuma', access, ports).catch(AgentError.from);
  t.match(thrown, { code: 'ERR_SOURCE', retry: 'soon', message: /cannot be read: cannot reach the Kubernetes API/ });
});
