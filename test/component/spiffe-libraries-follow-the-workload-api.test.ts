import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Generation } from '../../src/identity/identity.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { type ReadSvid, type SpiffeEvent, WATCHERS, watchWorkloadApi } from '../helpers/spiffe-client.ts';
import { makeWorkloadApiBench } from '../helpers/workload-api-bench.ts';

const serialOf = ({ serialNumber }: Generation) => serialNumber.replace(/^0+/, '');
const fingerprint = (der: Buffer) => createHash('sha256').update(der).digest('hex');
const bundleOf = (event: SpiffeEvent) => ('bundles' in event ? [...(event.bundles.default ?? [])].sort() : []);

function expectSvid(t: Test, svid: ReadSvid, generation: Generation): void {
  t.match(svid, {
    spiffeId: 'spiffe://default/web',
    serialNumber: serialOf(generation),
    certificates: 2,
    verified: true,
  });
}

for (const library of Object.keys(WATCHERS) as (keyof typeof WATCHERS)[]) {
  t.test(library, async (t) => {
    const bench = makeWorkloadApiBench(t, { hint: 'internal' });
    const [ca, otherCa] = await Promise.all([openGenerationMaker(), openGenerationMaker()]);
    const generations = await Promise.all([ca.make(), ca.make(), ca.make(), otherCa.make()]);
    const [first, second, third, ofOtherCa] = generations as [Generation, Generation, Generation, Generation];
    let delivery = await bench.open();
    const client = await watchWorkloadApi(t, library, bench.path);
    const known: string[] = [];
    const next = async () => {
      const svid = await client.nextSvid(known);
      known.push(svid.serialNumber);
      return svid;
    };

    if (library === 'go-spiffe') {
      const refusal = await client.waitFor('it is told to try again', ({ event }) => event === 'error');
      t.match(refusal, { code: 'Unavailable', error: /^there is no X509-SVID yet/ });
    }
    await delivery.deliver(first);
    const svid = await next();
    expectSvid(t, svid, first);
    if (library === 'go-spiffe') t.equal(svid.hint, 'internal');

    await delivery.deliver(second);
    expectSvid(t, await next(), second);

    await delivery.close();
    delivery = await bench.open();
    await delivery.deliver(third);
    expectSvid(t, await next(), third);

    // A CA is changed in three steps: both are trusted, the leaf is that of the new one, the old one is dropped.
    const both = [ca.root.der, otherCa.root.der];
    const isTold = (bundle: readonly Buffer[]) => (event: SpiffeEvent) =>
      bundleOf(event).join() === bundle.map(fingerprint).sort().join();
    await delivery.deliver({ ...third, trustBundle: both });
    await client.waitFor('both CAs are trusted', isTold(both));
    const since = client.events().length;
    await delivery.deliver({ ...ofOtherCa, trustBundle: both });
    expectSvid(t, await next(), ofOtherCa);
    await delivery.deliver(ofOtherCa);
    const last = await client.waitFor('the old CA is dropped', isTold([otherCa.root.der]), since);
    t.match(last, { svids: [{ serialNumber: serialOf(ofOtherCa), verified: true }] });

    if (library === 'go-spiffe') {
      const seen = client.events().filter((event) => event.event === 'error');
      t.ok(
        seen.every(({ code }) => code === 'Unavailable'),
        `no stream ended otherwise: ${JSON.stringify(seen)}`,
      );
    }
  });
}

for (const library of Object.keys(WATCHERS) as (keyof typeof WATCHERS)[]) {
  t.test(`${library}: an expired identity is given to nobody, and its successor is`, async (t) => {
    const bench = makeWorkloadApiBench(t);
    const ca = await openGenerationMaker();
    const delivery = await bench.open();
    const [expiring, successor] = [await ca.make(), await ca.make()];
    await delivery.deliver(expiring);
    const client = await watchWorkloadApi(t, library, bench.path);
    t.equal((await client.nextSvid()).serialNumber, serialOf(expiring));

    await delivery.withdraw();
    if (library === 'go-spiffe') {
      const told = await client.waitFor('it is told', ({ event }) => event === 'error');
      t.match(told, { code: 'Unavailable', error: /^the X509-SVID has expired/ });
    }
    const late = await watchWorkloadApi(t, library, bench.path);
    if (library === 'go-spiffe') await late.waitFor('it is refused', ({ event }) => event === 'error');

    await delivery.deliver(successor);
    t.equal((await client.nextSvid([serialOf(expiring)])).serialNumber, serialOf(successor));
    t.equal((await late.nextSvid()).serialNumber, serialOf(successor), 'who came meanwhile has never seen the old one');
  });
}
