import t from 'tap';
import { readCaMaterial } from '../../../src/ca/ca-material.ts';
import { AgentError } from '../../../src/errors.ts';
import { openAuthorities } from '../../../src/signer/authorities.ts';
import { openSignerObservation } from '../../../src/signer/observation.ts';
import type { SignerSettings } from '../../../src/signer/settings.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';
import { TestCa } from '../../helpers/test-ca.ts';

const clock = new FakeClock('2026-03-01T00:00:00Z');
const life = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
const END = life.notAfter.getTime() / 1000;
const { certificatePem, keyPem } = await TestCa.makeRoot('well', life);
const well = readCaMaterial(certificatePem, keyPem, 'well');

/** A leader with the backends `well` and `ill`. */
async function openBench() {
  const observation = openSignerObservation({ backends: [], version: '1', nodeVersion: 'v24' }, clock);
  const bench = { names: ['well', 'ill'] };
  const settings = () =>
    ({ backends: bench.names.map((name) => ({ name, ttlSeconds: 60 })) }) as unknown as SignerSettings;
  const authorities = openAuthorities(settings, {
    async read({ name }) {
      if (name === 'ill') throw new AgentError('ERR_SOURCE', 'no such file');
      return well;
    },
    publisher: { publish: async () => [] },
    clock,
    log: openRecordingLog(),
    observer: observation.authorities,
  });
  const refresh = () => authorities.refresh(new AbortController().signal);
  const read = async () =>
    (await observation.metrics.render()).match(/^meshcert_signer_ca_\w+\{.*$/gm)?.map((line) => line.slice(19));
  observation.lead.leads(true);
  await refresh();
  return { bench, observation, refresh, read };
}

t.test('a leader shows the CA of each backend', async (t) => {
  const { read } = await openBench();
  const shown = [`not_after_timestamp_seconds{backend="well"} ${END}`, 'usable{backend="well"} 1'];
  t.same((await read())?.sort(), [...shown, 'usable{backend="ill"} 0'].sort());
});

t.test('a backend that is not configured any more is not shown', async (t) => {
  const { bench, refresh, read } = await openBench();
  bench.names = ['well'];
  await refresh();
  t.same(await read(), [`not_after_timestamp_seconds{backend="well"} ${END}`, 'usable{backend="well"} 1']);
});

t.test('who does not lead any more shows none, as it does not look', async (t) => {
  const { observation, read } = await openBench();
  observation.lead.leads(false);
  t.equal(await read(), undefined);
});
