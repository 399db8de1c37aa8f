import { createPrivateKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';
import { makeSdsBench } from '../../../helpers/sds-bench.ts';
import { fetchSecrets, readSecret, streamDeltaSecrets, streamSecrets } from '../../../helpers/sds-client.ts';

const maker = await openGenerationMaker();

t.test('one secret per name asked, under that name, in a key that fits', async (t) => {
  const bench = makeSdsBench(t, { certificateNames: ['mine'], bundleNames: ['their-ca'] });
  const delivery = await bench.open();
  const generation = await maker.make();
  await delivery.deliver(generation);
  const client = bench.openClient();
  for (const name of ['default', 'spiffe://default/web', 'mine']) {
    const stream = streamSecrets(client);
    stream.send({ resourceNames: [name] });
    const { resources, typeUrl } = await stream.next();
    t.equal(typeUrl, 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret');
    t.equal(resources.length, 1);
    const secret = readSecret(resources[0] ?? { value: Buffer.alloc(0) });
    t.equal(secret.name, name);
    const leaf = new X509Certificate(secret.certificateChain ?? '');
    t.equal(leaf.serialNumber, generation.serialNumber);
    t.ok(leaf.checkPrivateKey(createPrivateKey(secret.privateKey ?? '')));
    stream.cancel();
  }
  for (const name of ['ROOTCA', 'spiffe://default', 'their-ca']) {
    const { resources } = await fetchSecrets(client, { resourceNames: [name] });
    t.same(resources.map(readSecret), [{ name, trustedCa: new X509Certificate(maker.root.der).toString() }]);
  }
  const { resources } = await fetchSecrets(client, { resourceNames: ['ALL'] });
  t.same(resources.map(readSecret), [
    { name: 'ALL', trustDomains: { default: new X509Certificate(maker.root.der).toString() } },
  ]);
});

t.test('the SPIFFE validator is the choice of the user', async (t) => {
  const bench = makeSdsBench(t, { validator: 'spiffe' });
  await (await bench.open()).deliver(await maker.make());
  const { resources } = await fetchSecrets(bench.openClient(), { resourceNames: ['ROOTCA', 'spiffe://default'] });
  const trustDomains = { default: new X509Certificate(maker.root.der).toString() };
  t.same(resources.map(readSecret), [
    { name: 'ROOTCA', trustDomains },
    { name: 'spiffe://default', trustDomains },
  ]);
});

t.test('a delta stream gets the same secrets', async (t) => {
  const bench = makeSdsBench(t);
  const delivery = await bench.open();
  const stream = streamDeltaSecrets(bench.openClient());
  stream.send({ resourceNamesSubscribe: ['default'] });
  const generation = await maker.make();
  await delivery.deliver(generation);
  const { resources } = await stream.next();
  const [first] = resources;
  if (first === undefined) throw new Error('no resource');
  t.equal(new X509Certificate(readSecret(first.resource).certificateChain ?? '').serialNumber, generation.serialNumber);
  stream.cancel();
});
