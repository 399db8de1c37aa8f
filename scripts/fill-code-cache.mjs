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
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

const PRIME = fileURLToPath(new URL('prime-code-cache.cjs', import.meta.url));

/** @param program path of the built main.js */
export async function fillCodeCache(program) {
  const directory = mkdtempSync(join(tmpdir(), 'meshcert-build-'));
  try {
    // Each chunk's code is kept after the first run that loads it, and most agents go to Vault.
    await runWithVault(program, directory);
    await runWithBuiltinCa(program, directory);
    await runWithSockets(program, directory);
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

/** Logs in at something that talks like Vault, and has a request signed. */
async function runWithVault(program, directory) {
  const sign = await makeSigner();
  const server = createServer(async (request, response) => {
    const { csr } = JSON.parse(Buffer.concat(await request.toArray()).toString() || '{}');
    const body =
      csr === undefined
        ? { auth: { client_token: 'x', lease_duration: 60, token_type: 'batch' } }
        : { data: await sign(csr) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const token = join(directory, 'token');
    const parts = [{ alg: 'none' }, { exp: Math.ceil(Date.now() / 1000) + 3600 }].map((part) => JSON.stringify(part));
    writeFileSync(token, [...parts, 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.'));
    const address = `http://127.0.0.1:${server.address().port}`;
    const auth = `{kubernetes: {role: web, tokenPath: ${token}}}`;
    const config = write(
      directory,
      'vault.yaml',
      `{name: ca-1, type: vault, conf: {fromCp: {address: "${address}", auth: ${auth}}}}`,
    );
    const agent = start(program, directory, ['run', '-c', config, '--once']);
    const [log, [code]] = await Promise.all([agent.stderr.toArray(), once(agent, 'exit')]);
    if (code !== 0) throw new Error(`the built program got no certificate from what talks like Vault: ${log.join('')}`);
  } finally {
    server.close();
  }
}

/** Serves gRPC, and ends. */
async function runWithSockets(program, directory) {
  const backend = '{name: ca-1, type: builtin, dpCert: {rotation: {expiration: 1h}}}';
  const deliver = 'deliver: {sds: {socket: g.sock}, workloadApi: {socket: g.sock}}\n';
  const config = write(directory, 'sockets.yaml', backend, deliver);
  const agent = start(program, directory, ['run', '-c', config, '--once']);
  const [log, [code]] = await Promise.all([agent.stderr.toArray(), once(agent, 'exit')]);
  if (code !== 0) throw new Error(`the built program did not serve on sockets: ${log.join('')}`);
}

/** A CA for as long as the build takes. */
async function makeSigner() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=build',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign)],
  });
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  return async (csrPem) => {
    const csr = new x509.Pkcs10CertificateRequest(csrPem);
    const leaf = await x509.X509CertificateGenerator.create({
      ...validity,
      issuer: root.subject,
      publicKey: csr.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature),
        new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
        csr.getExtension('2.5.29.17'),
      ],
    });
    const issuingCa = root.toString('pem');
    return { certificate: leaf.toString('pem'), issuing_ca: issuingCa, ca_chain: [issuingCa] };
  };
}

function write(directory, name, backend, more = '') {
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
${more}`,
  );
  return path;
}

function start(program, directory, args) {
  return spawn(process.execPath, [PRIME, program, ...args], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}
