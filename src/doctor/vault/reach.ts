/**
 * The way to Vault, or to the Vault Agent before it, as far as it can be tried without asking for anything: name, route,
 * TLS.
 *
 * @module
 */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { AgentError } from '../../errors.ts';
import { formatDuration } from '../../format-duration.ts';
import { reachedAt } from '../../issuer/vault/client.ts';
import type { VaultConfig } from '../../issuer/vault/config.ts';
import { explainNetworkError } from '../../issuer/vault/network-errors.ts';
import { openTlsTrust } from '../../issuer/vault/tls-trust.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import { findProxy } from './proxy.ts';
import type { VaultSubject } from './subject.ts';

/** Of its life. Whoever renews certificates, by hand or by machine, has done so before that. */
const LEAST_SHARE_LEFT = 0.1;

type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'host'; readonly host: string; readonly port: number; readonly isTls: boolean };

/** @returns the check that TLS is made, or not needed. */
export async function checkReach(
  examination: Examination,
  subject: VaultSubject,
  ports: DoctorPorts,
): Promise<Checked<true>> {
  const { vault, requestTimeoutMs: timeLimitMs } = subject;
  const addressKey = vault.agentAddress === undefined ? 'address' : 'agentAddress';
  const explaining = (purpose: string) => (cause: unknown) => {
    throw explainNetworkError(cause, {
      address: reachedAt(vault),
      addressKey,
      purpose,
      timeLimitMs,
      proxy: proxy?.proxy,
    });
  };
  const endpoint = await examination.check('address', [], () => checkAddress(reachedAt(vault), addressKey));
  const proxy = endpoint.value && findProxy(vault, ports, timeLimitMs);
  const proxied = proxy && (await examination.check('proxy', [endpoint], () => proxy.check()));
  const before = proxied ?? endpoint;
  const ip = await examination.check('dns', [endpoint, before], async (end): Promise<Outcome<string>> => {
    if (proxy !== undefined) return { verdict: 'skip', cause: 'the proxy looks up the name', value: '' };
    if (end.kind === 'socket') return { verdict: 'skip', cause: 'a socket has no name', value: '' };
    const { host } = end;
    if (isIP(host) !== 0) return { verdict: 'pass', cause: `${host} is an IP address`, value: host };
    const found = await lookup(host).catch(explaining('looking up its name'));
    return { verdict: 'pass', cause: `${host} is ${found.address}`, value: found.address };
  });
  const tcp = await examination.check('tcp', [endpoint, ip], async (end, host): Promise<Outcome<true>> => {
    if (proxy !== undefined) return { verdict: 'skip', cause: 'the proxy connects', value: true };
    const socket = connectTcp(end.kind === 'socket' ? { path: end.path } : { host, port: end.port });
    await untilEvent(socket, 'connect', timeLimitMs).catch(explaining('connecting'));
    socket.destroy();
    const where = end.kind === 'socket' ? end.path : `${host} port ${end.port}`;
    return { verdict: 'pass', cause: `${where} accepts connections`, value: true };
  });
  return examination.check('tls', [tcp, endpoint], async (_, end): Promise<Outcome<true>> => {
    if (end.kind === 'socket' || !end.isTls) return { verdict: 'skip', cause: 'there is none to be made', value: true };
    const { host, port } = end;
    const secureContext = await openTlsTrust(vault.tls, ports.readSource, () => ports.clock.nowMs())();
    const name = vault.tls.serverName ?? host;
    // IP addresses are not asked for by SNI (RFC 6066, 3).
    const servername = isIP(name) === 0 ? { servername: name } : {};
    const tunnel = proxy && { socket: await proxy.openTunnel() };
    const trust = { secureContext, rejectUnauthorized: !vault.tls.skipVerify, ...servername };
    const socket = connectTls({ host, port, ...tunnel, ...trust });
    await untilEvent(socket, 'secureConnect', timeLimitMs).catch(explaining('making TLS'));
    const found = judgeTls(socket, vault, ports.clock.nowMs());
    socket.destroy();
    return found;
  });
}

function checkAddress(address: string, addressKey: string): Outcome<Endpoint> {
  if (!URL.canParse(address)) {
    const meant = address.replace(/\.(\d+)$/, ':$1');
    throw new AgentError('ERR_CONFIG', `no host can have the name in "${address}"`, {
      remedy: `write conf.fromCp.${addressKey}: ${meant}`,
    });
  }
  if (address.startsWith('unix:')) {
    return { verdict: 'pass', cause: address, value: { kind: 'socket', path: address.slice('unix://'.length) } };
  }
  const url = new URL(address);
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const value = { kind: 'host', host, port: Number(url.port || (isTls ? 443 : 80)), isTls } as const;
  if (isTls || host === 'localhost' || host === '::1' || host.startsWith('127.')) {
    return { verdict: 'pass', cause: address, value };
  }
  return {
    verdict: 'warn',
    cause: `${address}: credentials travel unencrypted`,
    remedy: `have Vault listen with TLS, and write https: in conf.fromCp.${addressKey}`,
    value,
  };
}

function judgeTls(socket: TLSSocket, { tls }: VaultConfig, nowMs: number): Outcome<true> {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  const startMs = Date.parse(certificate.valid_from ?? '');
  const endMs = Date.parse(certificate.valid_to ?? '');
  const end = Number.isNaN(endMs) ? '' : ` ends in ${formatDuration((endMs - nowMs) / 1000)}`;
  if (tls.skipVerify) {
    return {
      verdict: 'warn',
      cause: 'the certificate of Vault is not checked: whoever answers gets our credentials',
      remedy: 'remove conf.fromCp.tls.skipVerify, and set tls.caCert to the CA of that certificate',
      value: true,
    };
  }
  if (endMs - nowMs < (endMs - startMs) * LEAST_SHARE_LEFT) {
    return {
      verdict: 'warn',
      cause: `the TLS certificate of Vault${end}`,
      remedy: 'renew it in time: when it has ended, our certificates cannot be renewed either',
      value: true,
    };
  }
  const trusted = tls.caCert === undefined ? 'the system' : 'tls.caCert';
  const cause = `${socket.getProtocol()}; the certificate of Vault is trusted by ${trusted},${end}`;
  return { verdict: 'pass', cause, value: true };
}

async function untilEvent(socket: Socket, event: 'connect' | 'secureConnect', limitMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(limitMs, () =>
      socket.destroy(Object.assign(new Error(`nothing within ${limitMs} ms`), { code: 'ETIMEDOUT' })),
    );
    socket.once(event, resolve).once('error', reject);
  });
}
