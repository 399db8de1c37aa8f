import t from 'tap';
import type { CaMaterial } from '../../../src/ca/ca-material.ts';
import { readCaMaterial, splitChain } from '../../../src/ca/ca-material.ts';
import { AgentError } from '../../../src/errors.ts';
import { openAuthorities, SPREAD_MS } from '../../../src/signer/authorities.ts';
import type { SignerSettings } from '../../../src/signer/settings.ts';
import type { BackendTrust } from '../../../src/signer/trust.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';
import { TestCa } from '../../helpers/test-ca.ts';

const NOW = '2026-03-01T00:00:00Z';
const life = (notAfter: string) => ({ notBefore: new Date('2026-01-01'), notAfter: new Date(notAfter) });

async function makeCa(name: string, notAfter = '2027-01-01'): Promise<CaMaterial> {
  const { certificatePem, keyPem } = await TestCa.makeRoot(name, life(notAfter));
  return readCaMaterial(certificatePem, keyPem, name);
}

const anchorOf = ({ chain }: CaMaterial) => splitChain(chain).trustAnchor;

function openBench(first: CaMaterial) {
  const clock = new FakeClock(NOW);
  const log = openRecordingLog();
  const bench = {
    ca: first as CaMaterial | AgentError,
    canPublish: true,
    published: [] as (readonly BackendTrust[])[],
  };
  const ca = { kind: 'builtin', caTtlSeconds: 1 } as const;
  const settings = { backends: [{ name: 'ca-1', ttlSeconds: 3600, ca }] } as unknown as SignerSettings;
  const authorities = openAuthorities(() => settings, {
    async read() {
      if (bench.ca instanceof AgentError) throw bench.ca;
      return bench.ca;
    },
    publisher: {
      async publish(trust) {
        if (!bench.canPublish) throw new AgentError('ERR_CA_UNREACHABLE', 'away');
        bench.published.push(trust);
        return [];
      },
    },
    clock,
    log,
    observer: { caRead() {}, caFailed() {}, caGone() {} },
  });
  const refresh = () => authorities.refresh(new AbortController().signal);
  const signs = () => authorities.find('ca-1')?.ca;
  const anchors = () => bench.published.at(-1)?.flatMap(({ certificates }) => certificates);
  return { ...bench, bench, clock, log, refresh, signs, anchors, find: authorities.find };
}

t.test('the first CA signs when it is published, not before', async (t) => {
  const first = await makeCa('first');
  const { bench, refresh, signs, anchors } = openBench(first);
  bench.canPublish = false;
  await t.rejects(refresh(), { code: 'ERR_CA_UNREACHABLE' });
  t.equal(signs(), undefined);
  bench.canPublish = true;
  await refresh();
  t.equal(signs(), first);
  t.same(anchors(), [anchorOf(first)]);
});

t.test('another one is published beside it, and signs when all agents have looked', async (t) => {
  const [first, second] = [await makeCa('first'), await makeCa('second')];
  const { bench, clock, refresh, signs, anchors } = openBench(first);
  await refresh();
  bench.ca = second;
  await refresh();
  t.same(anchors(), [anchorOf(first), anchorOf(second)]);
  t.equal(signs(), first);
  clock.advance(SPREAD_MS - 1);
  await refresh();
  t.equal(signs(), first);
  clock.advance(1);
  await refresh();
  t.equal(signs(), second);
  await refresh();
  t.same(anchors(), [anchorOf(second)]);
});

t.test('a change that is taken back is none', async (t) => {
  const [first, second] = [await makeCa('first'), await makeCa('second')];
  const { bench, clock, refresh, signs } = openBench(first);
  await refresh();
  bench.ca = second;
  await refresh();
  bench.ca = first;
  await refresh();
  clock.advance(SPREAD_MS);
  bench.ca = second;
  await refresh();
  t.equal(signs(), first, 'and its time begins anew');
});

t.test('nobody waits for a CA that has ended', async (t) => {
  const [first, second] = [await makeCa('first', '2026-03-01T00:01:00Z'), await makeCa('second')];
  const { bench, clock, refresh, signs } = openBench(first);
  await refresh();
  bench.ca = second;
  clock.advance(61_000);
  await refresh();
  t.equal(signs(), second);
});

t.test('a CA that cannot be used is told once, and the one of before stays', async (t) => {
  const first = await makeCa('first');
  const { bench, refresh, signs, log, anchors } = openBench(first);
  await refresh();
  for (const bad of [new AgentError('ERR_SOURCE', 'no such file'), await makeCa('ended', '2026-02-01')]) {
    bench.ca = bad;
    const before = log.lines.length;
    await refresh();
    await refresh();
    const told = log.lines.slice(before).filter((line) => line.includes('ERROR'));
    t.equal(told.length, 1, told.join(''));
    t.match(told[0], /the one of before stays in use/);
    t.equal(signs(), first);
    t.same(anchors(), [anchorOf(first)]);
  }
});

t.test('a backend that is not there cannot sign', async (t) => {
  const { find, refresh } = openBench(await makeCa('first'));
  await refresh();
  t.equal(find('ca-2'), undefined);
});
