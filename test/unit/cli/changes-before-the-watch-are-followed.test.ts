import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { followConfiguration } from '../../../src/cli/follow-configuration.ts';
import { openSources } from '../../../src/cli/open-sources.ts';
import { readConfig } from '../../../src/cli/read-config.ts';
import { systemClock } from '../../../src/clock.ts';
import { openReadRecord } from '../../../src/watch/read-record.ts';
import { eventually } from '../../helpers/eventually.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { openRecordingLog } from '../../helpers/recording-log.ts';

const renderAgent = (service: string) => `type: Mesh
name: default
---
type: Agent
mesh: default
service: ${service}
`;

/** A configuration and a credential that were read as they are, and nobody watches yet. */
async function start(t: Test, prepare: (file: string) => void = (file) => writeFileSync(file, renderAgent('web'))) {
  const directory = t.testdir({ token: 'one' });
  const { edge } = openFakeEdge();
  const file = join(directory, 'agent.yaml');
  const files = [file];
  prepare(file);
  const token = join(directory, 'token');
  const { digests, remember } = openReadRecord();
  await readConfig(files, edge, remember);
  await openSources(directory, edge, remember)({ kind: 'secret', name: 'token' });

  const told: string[] = [];
  const agent = {
    reconfigure: async ({ service }: { readonly service: string }) => void told.push(service),
    sourcesChanged: () => void told.push('sources'),
  };
  const stop = new AbortController();
  return {
    saveAgent: (service: string) => writeFileSync(file, renderAgent(service)),
    saveToken: (text: string) => writeFileSync(token, text),
    told,
    follow() {
      const ports = { edge, clock: systemClock, log: openRecordingLog() };
      const following = followConfiguration(agent, { files, lastRead: digests() }, ports, stop.signal);
      t.teardown(async () => {
        stop.abort();
        await following;
      });
    },
  };
}

t.test('a configuration that was changed since it was read takes effect', async (t) => {
  const { saveAgent, saveToken, told, follow } = await start(t);
  saveAgent('shop');
  follow();
  await eventually('it is followed', () => told.length > 0);
  t.same(told, ['shop'], 'what is as before is not told');
  saveToken('two');
  await eventually('it is watched from then on', () => told.length > 1);
  t.same(told, ['shop', 'sources']);
});

t.test('a credential that was changed since it was read is told', async (t) => {
  const { saveAgent, saveToken, told, follow } = await start(t);
  saveToken('two');
  follow();
  await eventually('it is told', () => told.length > 0);
  t.same(told, ['sources'], 'what is as before is not told');
  saveAgent('shop');
  await eventually('it is watched from then on', () => told.length > 1);
  t.same(told, ['sources', 'shop']);
});

t.test('a configuration that came through a pipe stays', async (t) => {
  const { saveToken, told, follow } = await start(t, (file) => {
    execFileSync('mkfifo', [file]);
    spawn('sh', ['-c', 'printf %s "$1" > "$2"', 'sh', renderAgent('web'), file]);
  });
  saveToken('two');
  follow();
  await eventually('all else is followed', () => told.length > 0);
  t.same(told, ['sources']);
});
