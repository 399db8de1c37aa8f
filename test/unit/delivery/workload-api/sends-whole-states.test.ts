import { createPrivateKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { renderX509Bundles, renderX509Svids } from '../../../../src/delivery/workload-api/messages.ts';
import { type Served, streamX509Bundles, streamX509Svids } from '../../../../src/delivery/workload-api/service.ts';
import { openStateStream } from '../../../../src/store/state-stream.ts';
import { openGenerationMaker } from '../../../helpers/make-generation.ts';

const ca = await openGenerationMaker();

function makeContext() {
  const gone = new AbortController();
  return { gone, context: { metadata: () => ['true'], signal: gone.signal } };
}

t.test('an SVID is DER: the chain leaf first without the root, the key as PKCS#8, the bundle', async (t) => {
  for (const keyType of ['ec-p256', 'rsa-2048'] as const) {
    const generation = await ca.make({ keyType });
    const { svids } = renderX509Svids(generation, 'internal');
    t.equal(svids.length, 1);
    const [svid] = svids;
    if (svid === undefined) return;
    t.match(svid, { spiffeId: 'spiffe://default/web', hint: 'internal' });
    const [leaf, intermediate] = generation.chain;
    t.same(svid.x509Svid, Buffer.concat([leaf, intermediate as Buffer]));
    t.same(svid.bundle, ca.root.der);
    const key = createPrivateKey({ key: svid.x509SvidKey, format: 'der', type: 'pkcs8' });
    t.ok(new X509Certificate(leaf).checkPrivateKey(key));
  }
});

t.test('bundles are keyed by the SPIFFE ID of the trust domain, and hold every CA', async (t) => {
  const other = await openGenerationMaker();
  const generation = { ...(await ca.make()), trustBundle: [ca.root.der, other.root.der] };
  const both = Buffer.concat([ca.root.der, other.root.der]);
  t.same(renderX509Bundles(generation), { bundles: { 'spiffe://default': both } });
  t.same(renderX509Svids(generation, '').svids[0]?.bundle, both);
});

t.test('the present state comes at once, and each later one as a whole', async (t) => {
  const state = openStateStream<Served>({ generation: await ca.make() });
  const { context } = makeContext();
  const stream = streamX509Svids(state, '', context);
  const readSvid = async () => (await stream.next()).value?.svids[0]?.x509Svid;
  const [first, second] = [await ca.make(), await ca.make()];
  state.change({ generation: first });
  t.same(await readSvid(), Buffer.concat(first.chain));
  const waiting = readSvid();
  state.change({ generation: second });
  t.same(await waiting, Buffer.concat(second.chain));
});

t.test('who is slow gets the newest state and misses those in between', async (t) => {
  const generations = await Promise.all([ca.make(), ca.make(), ca.make()]);
  const state = openStateStream<Served>({ generation: generations[0] });
  const stream = streamX509Svids(state, '', makeContext().context);
  await stream.next();
  for (const generation of generations.slice(1)) state.change({ generation });
  const { value } = await stream.next();
  t.same(value?.svids[0]?.x509Svid, Buffer.concat(generations[2]?.chain ?? []));
});

t.test('a rotation of the leaf repeats no bundle; another CA is told', async (t) => {
  const other = await openGenerationMaker();
  const state = openStateStream<Served>({ generation: await ca.make() });
  const stream = streamX509Bundles(state, makeContext().context);
  t.same((await stream.next()).value, { bundles: { 'spiffe://default': ca.root.der } });
  const next = stream.next();
  state.change({ generation: await ca.make() });
  await new Promise(setImmediate);
  state.change({ generation: await other.make() });
  t.same((await next).value, { bundles: { 'spiffe://default': other.root.der } });
});

t.test('a client that goes ends its stream', async (t) => {
  const state = openStateStream<Served>({ generation: await ca.make() });
  const { gone, context } = makeContext();
  const stream = streamX509Svids(state, '', context);
  await stream.next();
  const next = stream.next();
  gone.abort();
  t.same(await next, { value: undefined, done: true });
});
