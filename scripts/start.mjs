/**
 * `npm start`: builds, runs the agent on a CA of its own with certificates of 40 seconds, and tells what is to be seen.
 * Ends with Ctrl-C.
 */
import { spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, 'dist/main.js');
// On a terminal the agent has a line of its own below all others.
const above = process.stdout.isTTY && process.stderr.isTTY && process.env.TERM !== 'dumb' ? '\r\u001b[K' : '';
const say = (text = '') => process.stdout.write(`${above}${text}\n`);

if (spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' }).status !== 0) process.exit(1);

say('Starting meshcert on a CA of its own, with certificates of 40 seconds (examples/quickstart.yaml).');
say('Lines with a time are the log of the agent. Ctrl-C ends it.');
say();
const agent = spawn(process.execPath, [program, 'run', '-c', 'examples/quickstart.yaml', '--log-format', 'text'], {
  cwd: root,
  stdio: 'inherit',
});
agent.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => agent.kill(signal));

const first = await waitForGeneration(1);
say();
say(`  identity   ${first.spiffeId}`);
say(`  serial     ${first.certificate.serialNumber}, generation ${first.certificate.generation}`);
say('  files      .meshcert/identity: tls.crt, tls.key, ca.crt, credentialbundle.pem, and two for Envoy');
say(
  `  expires    ${inSeconds(first.certificate.notAfter)}; it will be replaced ${inSeconds(first.certificate.rotatesAt)}`,
);
say('  metrics    curl http://127.0.0.1:9902/metrics');
say('  try        npx node dist/main.js inspect     in another terminal');
say('             npx node dist/main.js rotate');
say('             openssl x509 -in .meshcert/identity/tls.crt -noout -text');
say();

const second = await waitForGeneration(2);
say();
say(
  `  rotated    the files changed in one swap: serial ${second.certificate.serialNumber}, generation ${second.certificate.generation},`,
);
say(`             expires ${inSeconds(second.certificate.notAfter)}, and so on until you press Ctrl-C`);
say();

function inSeconds(moment) {
  return `in ${Math.round((Date.parse(moment) - Date.now()) / 1000)} s`;
}

async function waitForGeneration(number) {
  for (;;) {
    const status = await readStatus().catch(() => undefined);
    if (status?.ready && status.certificate?.generation >= number) return status;
    await wait(100);
  }
}

function readStatus() {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(root, '.meshcert/admin.sock'), path: '/status' }, async (answer) => {
      const chunks = await answer.toArray();
      resolve(JSON.parse(Buffer.concat(chunks).toString()));
    });
    asked.on('error', reject).end();
  });
}
