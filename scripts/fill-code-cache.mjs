/**
 * Runs the built program once in each way that matters for its start, and keeps the machine code of what was called, so
 * that the first start on a read-only file system is as fast as any.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PRIME = fileURLToPath(new URL('prime-code-cache.cjs', import.meta.url));

/** @param program path of the built main.js */
export async function fillCodeCache(program) {
  const directory = mkdtempSync(join(tmpdir(), 'meshcert-build-'));
  try {
    await runWithBuiltinCa(program, directory);
    await runWithVault(program, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Issues, delivers, answers a scrape. */
async function runWithBuiltinCa(program, directory) {
  const config = write(directory, 'builtin.yaml', '{name: ca-1, type: builtin, dpCert: {rotation: {expiration: 1h}}}');
  const agent = start(program, directory, ['run', '-c', config]);
  try {
    const url = await readTelemetryUrl(agent);
    for (let tries = 0; (await fetch(`${url}/readyz`)).status !== 200; tries += 1) {
      if (tries === 200) throw new Error('the built program did not become ready within 10 s');
      await wait(50);
    }
    await (await fetch(`${url}/metrics`)).text();
  } finally {
    agent.kill('SIGTERM');
    if (agent.exitCode === null) await once(agent, 'exit');
  }
}

/** Reads the agent's log until it says where it answers. */
function readTelemetryUrl(agent) {
  return new Promise((resolve, reject) => {
    let text = '';
    agent.stderr.on('data', (chunk) => {
      text += chunk;
      const url = /"telemetry":"([^"]+)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
    agent.once('exit', () => reject(new Error(`the built program ended: ${text}`)));
  });
}

/** Logs in at something that talks like Vault, and is refused a certificate. */
async function runWithVault(program, directory) {
  const server = createServer((request, response) => {
    const isLogin = request.url.endsWith('/login');
    const body = isLogin
      ? { auth: { client_token: 'x', lease_duration: 60, token_type: 'batch' } }
      : { errors: ['no'] };
    response.writeHead(isLogin ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const token = join(directory, 'token');
    writeFileSync(token, 'x');
    const address = `http://127.0.0.1:${server.address().port}`;
    const auth = `{kubernetes: {role: web, tokenPath: ${token}}}`;
    const config = write(
      directory,
      'vault.yaml',
      `{name: ca-1, type: vault, conf: {fromCp: {address: "${address}", auth: ${auth}}}}`,
    );
    await once(start(program, directory, ['run', '-c', config, '--once']), 'exit');
  } finally {
    server.close();
  }
}

function write(directory, name, backend) {
  const path = join(directory, name);
  writeFileSync(
    path,
    `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - ${backend}
---
type: Agent
mesh: default
service: web
telemetry: {address: "127.0.0.1:0"}
`,
  );
  return path;
}

function start(program, directory, args) {
  return spawn(process.execPath, [PRIME, program, ...args], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}
