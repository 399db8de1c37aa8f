import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAgent } from '../helpers/agent.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectLinesOnly } from '../helpers/expect-not-ready.ts';
import { renderBuiltinMesh } from '../helpers/kong-mesh.ts';
import { checkPairWithOpenssl } from '../helpers/openssl.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { uniqueName } from '../helpers/unique-name.ts';

const IS_ROOT = process.getuid?.() === 0;
const SOMEBODY_ELSE = 65_534;
/** Root may write everywhere by its capabilities, not by its number. */
const WITHOUT_PRIVILEGES = IS_ROOT ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];

const directory = temporaryDirectory(t);

function makeLocked(): { readonly parent: string; readonly unlock: () => void } {
  const parent = join(directory, uniqueName('locked'));
  mkdirSync(parent);
  if (IS_ROOT) chownSync(parent, SOMEBODY_ELSE, SOMEBODY_ELSE);
  else chmodSync(parent, 0o555);
  return { parent, unlock: () => chmodSync(parent, IS_ROOT ? 0o777 : 0o755) };
}

function makeCovered(): { readonly parent: string; readonly unlock: () => void } {
  const parent = join(directory, uniqueName('a-file'));
  writeFileSync(parent, '');
  return { parent, unlock: () => rmSync(parent) };
}

const cases = [
  {
    what: 'a directory that belongs to somebody else, then opened',
    make: makeLocked,
    why: 'permission denied at',
    remedy: (identity: string) => `create ${identity}, writable for uid ${process.getuid?.()}`,
  },
  {
    what: 'a directory below a regular file, then moved away',
    make: makeCovered,
    why: 'something on the way to',
    remedy: () => 'move it away, or name another directory',
  },
];

for (const { what, make, why, remedy } of cases) {
  t.test(what, async (t) => {
    const { parent, unlock } = make();
    const identity = join(parent, 'identity');
    const setting = {
      directory: join(directory, uniqueName('agent')),
      mesh: renderBuiltinMesh('1h'),
      identity,
      startedBy: WITHOUT_PRIVILEGES,
    };
    const agent = await startAgent(setting);
    t.teardown(() => agent.stop());
    const line = await eventually('it says so', () => agent.log().find(({ level }) => level === 'error'));
    t.ok(line.event.startsWith(`cannot write the certificate to ${identity}: ${why} ${identity}`), line.event);
    t.match(line, { code: 'ERR_DELIVERY', remedy: remedy(identity), retryInSeconds: Number });
    const { status, text } = await agent.probe('/readyz');
    t.equal(status, 503);
    t.ok(text.includes(`${line.event}; ${line.remedy}`), text);
    t.equal((await agent.probe('/healthz')).status, 200);
    t.match(await agent.status(), { ready: false, regenerations: 1, deliveries: [{ generation: 0, failing: String }] });
    expectLinesOnly(t, agent);

    const once = await runMeshcert(['run', '--once', '-c', agent.configFile, '--log-level', 'error'], {
      directory: setting.directory,
      startedBy: WITHOUT_PRIVILEGES,
    });
    t.equal(once.code, 1, '--once fails');
    t.ok(once.stderr.trimEnd().endsWith(`meshcert: ${line.event}; ${line.remedy}`), once.stderr);

    unlock();
    await agent.waitReady();
    t.ok(existsSync(join(identity, 'tls.crt')));
    await checkPairWithOpenssl(identity);
    const after = await agent.status();
    t.match(after, { ready: true, regenerations: 1, deliveries: [{ generation: 1 }] }, 'by the certificate it had');
    t.equal(after.agent.pid, agent.pid);
  });
}
