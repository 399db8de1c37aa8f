import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { eventually } from '../../helpers/eventually.ts';

const INSTALLER = fileURLToPath(new URL('../../../scripts/install-peers.mjs', import.meta.url));
const DIRECTORY = t.testdir();

// Stand-ins that "build" by writing one line. While a file `hold` lies beside them, go waits; each build is counted.
const FAKE_GO = `#!/bin/sh
[ "$1" = env ] && { echo go1.26.0; exit; }
here=$(dirname "$0")
[ "$1" = list ] && { mkdir -p "$here/module/deploy/crds"; echo "$here/module"; exit; }
while [ "$1" != -o ]; do shift; done
printf half > "$2"
echo x >> "$here/builds"
while [ -e "$here/hold" ]; do sleep 0.02; done
printf whole > "$2"
`;
const FAKE_PYTHON = `#!/bin/sh
case "$*" in
'-m venv '*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python3" ;;
*pip*) d=$(dirname "$0")/../lib/python3/site-packages/envoy/_bin; mkdir -p "$d"; echo '#!/bin/sh' > "$d/envoy"; chmod +x "$d/envoy" ;;
esac
`;

function makeMachine(name: string, programs: Record<string, string>) {
  const bin = join(DIRECTORY, name, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [program, text] of Object.entries(programs)) writeFileSync(join(bin, program), text, { mode: 0o755 });
  const cache = join(DIRECTORY, name, 'cache');
  const PATH = [bin, '/usr/bin', '/bin'].join(delimiter);
  const builds = () => (existsSync(join(bin, 'builds')) ? readFileSync(join(bin, 'builds'), 'utf8').length / 2 : 0);
  const start = (path = PATH) => {
    const child = spawn(process.execPath, [INSTALLER], { env: { PATH: path, XDG_CACHE_HOME: cache, HOME: bin } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, output }));
    });
    return { child, ended, output: () => output };
  };
  return { bin, cache, builds, start, hold: join(bin, 'hold') };
}

t.test('all missing tools are named at once, with remedies, before anything is done', async (t) => {
  const machine = makeMachine('bare', {});
  const { code, output } = await machine.start(machine.bin).ended;
  t.equal(code, 1);
  t.match(
    output,
    /Go 1\.26 or later is needed to build etcd, kube-apiserver, vault, cert-manager, helm, spiffe-client, but.*no go on the PATH/,
  );
  t.match(
    output,
    /Python 3 with its venv module is needed to install envoy, py-spiffe, acmpca, but.*no python3 on the PATH/,
  );
  t.equal(output.match(/Remedy: /g)?.length, 2);
  t.notMatch(output, / at .*:\d+/, 'no stack trace');
  t.notOk(existsSync(machine.cache));
});

t.test('a Go that is too old is named with its version', async (t) => {
  const machine = makeMachine('old', { go: '#!/bin/sh\necho go1.25.9\n', python3: FAKE_PYTHON });
  const { code, output } = await machine.start().ended;
  t.equal(code, 1);
  t.match(output, /says go1\.25\.9/);
});

t.test('the second run builds nothing', async (t) => {
  const machine = makeMachine('twice', { go: FAKE_GO, python3: FAKE_PYTHON });
  t.match(await machine.start().ended, { code: 0, output: /vault 1\.21\.0: ready after/ });
  t.equal(machine.builds(), 6);
  const second = await machine.start().ended;
  t.match(second, { code: 0, output: /are installed/ });
  t.notMatch(second.output, /installing|ready/);
  t.equal(machine.builds(), 6);
});

t.test('a run that is killed leaves no half part, and the next one goes on at once', async (t) => {
  const machine = makeMachine('killed', { go: FAKE_GO, python3: FAKE_PYTHON });
  writeFileSync(machine.hold, '');
  const first = machine.start();
  await eventually('the first build is under way', () => machine.builds() === 1);
  first.child.kill('SIGKILL');
  await eventually('it is dead', () => first.child.signalCode === 'SIGKILL');
  t.strictSame(
    parts(machine.cache).filter((name) => !/\.(lock|log|partial-.*)$/.test(name)),
    [],
  );

  writeFileSync(join(machine.bin, 'go'), FAKE_GO.replaceAll('hold', 'no-such-file'));
  t.match(await machine.start().ended, { code: 0 });
  const names = parts(machine.cache);
  t.equal(names.length, 9, `only whole parts are left: ${names.join(' ')}`);
  for (const name of names.filter((one) => !/^(envoy|py-spiffe|acmpca)/.test(one))) {
    const program = join(machine.cache, 'meshcert', 'peers', name, name.replace(/-\d.*/, ''));
    t.equal(readFileSync(program, 'utf8'), 'whole');
  }
});

t.test('of two runs at once one builds and the other waits for it', async (t) => {
  const machine = makeMachine('company', { go: FAKE_GO, python3: FAKE_PYTHON });
  writeFileSync(machine.hold, '');
  const runs = [machine.start(), machine.start()];
  await eventually('one waits', () => runs.some((run) => /waiting for process \d+/.test(run.output())));
  rmSync(machine.hold);
  t.match(await Promise.all(runs.map((run) => run.ended)), [{ code: 0 }, { code: 0 }]);
  t.equal(machine.builds(), 6);
});

function parts(cache: string): string[] {
  return readdirSync(join(cache, 'meshcert', 'peers'));
}
