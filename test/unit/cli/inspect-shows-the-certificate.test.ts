import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { inspect } from '../../../src/cli/inspect.ts';
import { renderTable } from '../../../src/cli/status-table.ts';
import { systemClock } from '../../../src/clock.ts';
import { openAdminServer } from '../../../src/observe/admin-server.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const TITLES = [
  'MESH',
  'NAME',
  'CERT REGENERATED AGO',
  'CERT EXPIRATION',
  'CERT REGENERATIONS',
  'CERT BACKEND',
  'SUPPORTED CERT BACKENDS',
  'ROTATES IN',
  'CA HEALTH',
  'LAST ERROR',
];

/** The cells of the last line, read by where the titles begin, as a person does. */
function readCells(table: string): Record<string, string> {
  const [titles = '', line = ''] = table.split('\n');
  const starts = TITLES.map((title) => titles.indexOf(title));
  return Object.fromEntries(TITLES.map((title, i) => [title, line.slice(starts[i], starts[i + 1]).trim()]));
}

t.test('no certificate yet, in the words of kumactl', async (t) => {
  const { observation, clock } = await setUpObservation();
  t.strictSame(readCells(renderTable([observation.status()], clock.nowMs())), {
    MESH: 'default',
    NAME: 'web',
    'CERT REGENERATED AGO': 'never',
    'CERT EXPIRATION': '-',
    'CERT REGENERATIONS': '0',
    'CERT BACKEND': '-',
    'SUPPORTED CERT BACKENDS': 'vault-1,ca-2',
    'ROTATES IN': '-',
    'CA HEALTH': 'Unknown',
    'LAST ERROR': '-',
  });
});

t.test('a certificate, an error that stands, one that was overcome, an expiry', async (t) => {
  const { observation, clock, issue, failToIssue } = await setUpObservation();
  const cells = () => readCells(renderTable([observation.status()], clock.nowMs()));
  await issue();
  clock.advance(330_000);
  t.match(cells(), {
    'CERT REGENERATED AGO': '5m30s',
    'CERT EXPIRATION': '2026-01-01T01:00:00Z',
    'CERT REGENERATIONS': '1',
    'CERT BACKEND': 'vault-1',
    'ROTATES IN': '42m30s',
    'CA HEALTH': 'Connected',
    'LAST ERROR': '-',
  });
  failToIssue();
  t.match(cells(), { 'CA HEALTH': 'Unknown', 'LAST ERROR': 'no answer from the CA; start it' });
  clock.advance(60_000);
  await issue();
  t.match(cells(), {
    'CERT REGENERATIONS': '2',
    'CA HEALTH': 'Connected',
    'LAST ERROR': 'ERR_CA_UNREACHABLE, overcome (1m ago)',
  });
  clock.advance(3_600_000);
  t.match(cells(), {
    'CERT REGENERATED AGO': '1h',
    'CERT EXPIRATION': 'expired',
    'CERT BACKEND': '-',
    'ROTATES IN': '-',
  });
});

t.test('several agents stand under one line of titles', async (t) => {
  const web = await setUpObservation();
  const api = await setUpObservation({ name: 'a-much-longer-name', backend: undefined, supportedBackends: [] });
  const table = renderTable([web.observation.status(), api.observation.status()], web.clock.nowMs());
  const lines = table.trimEnd().split('\n');
  t.equal(lines.length, 3);
  t.equal(new Set(lines.map((line) => line.search(/CERT REGENERATED AGO|never/))).size, 1, 'columns are aligned');
  t.match(readCells(`${lines[0]}\n${lines[2]}`), { 'SUPPORTED CERT BACKENDS': '-', 'CA HEALTH': '-' });
});

async function serve(t: Test) {
  const bench = await setUpObservation();
  const directory = mkdtempSync(join(tmpdir(), 'mc-'));
  const socket = join(directory, 'admin.sock');
  const server = await openAdminServer(
    socket,
    { status: () => bench.observation.status(), rotate: async () => 1, quit: () => {} },
    { clock: systemClock, log: openRecordingLog() },
  );
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  return { ...bench, socket };
}

t.test('each output holds what the running agent says', async (t) => {
  const { socket, observation, issue, deliver } = await serve(t);
  deliver(await issue());
  const run = async (output: 'table' | 'json' | 'yaml') => {
    const { edge, out } = openFakeEdge();
    t.equal(await inspect({ socket, files: [], output }, edge), 0);
    return out();
  };
  t.strictSame(JSON.parse(await run('json')), observation.status());
  t.strictSame(parse(await run('yaml')), observation.status());
  t.match(readCells(await run('table')), { NAME: 'web', 'CERT BACKEND': 'vault-1' });
});
