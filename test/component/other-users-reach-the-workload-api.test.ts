import { chmodSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { plainEnvironment } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { makeWorkloadApiBench } from '../helpers/workload-api-bench.ts';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;
const GROUP = IS_ROOT ? 1337 : (process.getgroups?.().at(-1) ?? 0);

/** Connects as another user, which only root can become; others connect as themselves. */
const CONNECT = `
import os, socket, sys
path, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
try:
    socket.socket(socket.AF_UNIX).connect(path)
    print("connected")
except PermissionError:
    print("refused")
`;

for (const [mode, asNobody, asGroup] of [
  [0o600, 'refused', 'refused'],
  [0o660, 'refused', 'connected'],
  [0o666, 'connected', 'connected'],
] as const) {
  t.test(`mode 0${mode.toString(8)}`, async (t) => {
    const bench = makeWorkloadApiBench(t, { mode, group: GROUP });
    await bench.open();
    chmodSync(dirname(bench.path), 0o755);
    t.equal(lstatSync(bench.path).mode & 0o777, mode);
    t.equal(lstatSync(bench.path).gid, GROUP);
    const connect = async (uid: number, gid: number) => {
      const args = ['-c', CONNECT, bench.path, String(uid), String(gid)];
      return (await runCommand('python3', args, { env: plainEnvironment('/') })).trim();
    };
    t.equal(await connect(-1, -1), 'connected', 'the owner');
    if (!IS_ROOT) return;
    t.equal(await connect(NOBODY, NOBODY), asNobody, 'another user');
    t.equal(await connect(NOBODY, GROUP), asGroup, 'another user of the group');
  });
}
