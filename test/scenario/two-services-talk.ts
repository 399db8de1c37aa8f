import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Status } from '../../src/observe/status.ts';
import { eventually } from '../helpers/eventually.ts';
import { renderKubernetesAuth, renderVaultMesh } from '../helpers/kong-mesh.ts';
import { configureKongVaultPki } from '../helpers/kong-vault-pki.ts';
import { readServedWithOpenssl, readWithOpenssl } from '../helpers/openssl.ts';
import { runMeshcert } from '../helpers/run-meshcert.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { type Service, startTwoServices, type TwoServices } from '../helpers/two-services.ts';

const ROTATIONS = 5;
const PICK_UP_LIMIT_MS = 1_000;
/** A key, a login and a signature, on a machine with other work. */
const ISSUE_LIMIT_MS = 2_000;

export interface TalkOptions {
  /** Undefined: the one that Kong Mesh's document has, and that a Mesh means when it names none. */
  readonly mount?: string;
  /** What the policy lets the agents do. */
  readonly grant: 'sign' | 'issue';
}

type Certificate = NonNullable<Status['certificate']>;

/** One service's certificates, in their order, and the key of each. */
interface Record {
  readonly service: Service;
  readonly side: 'serverSerial' | 'clientSerial';
  readonly certificates: readonly Certificate[];
  readonly keys: readonly string[];
}

/**
 * Two services on a Vault that was set up by Kong Mesh's document, in a mesh whose document Kong Mesh would take but for
 * `auth.kubernetes`, exchange requests while their certificates of 15 s rotate.
 */
export async function twoServicesTalk(t: Test, { grant, mount }: TalkOptions): Promise<TwoServices> {
  const peers = await sharedPeers(t);
  const { vault } = peers;
  const pki = await configureKongVaultPki(vault, { mesh: 'default', grant, ...(mount !== undefined && { mount }) });
  const services = await startTwoServices(t, peers, {
    policy: pki.policy,
    renderMesh: ({ role, tokenPath }) =>
      renderVaultMesh({
        address: vault.address,
        expiration: '15s',
        pki: mount,
        auth: renderKubernetesAuth({ role, tokenPath, audience: 'vault', mountPath: '/v1/auth/kubernetes' }),
      }),
  });
  const { backend, frontend, traffic } = services;
  const records = await Promise.all([follow(backend, 'serverSerial'), follow(frontend, 'clientSerial')]);
  for (const { service, side, certificates } of records) {
    const last = certificates.at(-1)?.serialNumber ?? '';
    await eventually(`${service.name} talks with its last certificate`, () => traffic.firstSeenMs(side, last));
  }

  await t.test('every request is answered', async (t) => {
    t.same(traffic.failures().slice(0, 5), []);
    t.ok(traffic.exchanges.length > 500, `${traffic.exchanges.length} requests`);
    const rejected = await Promise.all([
      ...[traffic.serverEnvoy, traffic.clientEnvoy].map((envoy) => envoy.stat('sds.default.key_rotation_failed')),
      ...[traffic.serverEnvoy, traffic.clientEnvoy].map((envoy) => envoy.stat('sds.default.update_rejected')),
    ]);
    t.same(rejected, [0, 0, 0, 0], 'no Envoy was ever given a key without its certificate');
    const [half, most, all] = [0.5, 0.99, 1].map((share) => traffic.latencyMs(share).toFixed(0));
    t.comment(`${traffic.exchanges.length} requests; latency p50 ${half} ms, p99 ${most} ms, max ${all} ms`);
  });

  for (const record of records) await checkRecord(t, record, services);

  await t.test('logs hold neither token nor key', async (t) => {
    for (const { service, keys } of records) {
      const output = service.agent.output();
      t.ok(service.agent.log().length > 2 * ROTATIONS, 'there is a log to look into');
      const { jwt } = service.workload;
      const secrets = [jwt, ...jwt.split('.'), ...keys.flatMap((pem) => pem.split('\n').slice(1, -2))];
      t.ok(secrets.length > 20);
      t.same(
        secrets.filter((secret) => output.includes(secret)),
        [],
      );
      t.notMatch(output, /hv[sbr]\.[\w-]{10}|PRIVATE KEY|CERTIFICATE REQUEST|BEGIN /);
    }
  });
  return services;
}

/** Looks at the agent until it has rotated so often. */
async function follow(service: Service, side: Record['side']): Promise<Record> {
  const seen = new Map<number, { certificate: Certificate; key: string }>();
  const look = async () => {
    const { certificate } = await service.agent.status();
    if (certificate !== undefined && !seen.has(certificate.generation)) {
      const key = readFileSync(join(service.agent.identity, 'tls.key'), 'utf8');
      seen.set(certificate.generation, { certificate, key });
    }
    return seen.size > ROTATIONS;
  };
  await eventually(`${service.name} has rotated ${ROTATIONS} times`, look, { timeoutMs: 90_000, everyMs: 100 });
  const all = [...seen.values()];
  return { service, side, certificates: all.map((one) => one.certificate), keys: all.map((one) => one.key) };
}

async function checkRecord(t: Test, record: Record, { traffic, backend, frontend }: TwoServices): Promise<void> {
  const { service, side, certificates } = record;
  const { agent, name } = service;

  await t.test(`${name}: its Envoy serves each certificate within a second of its rotation`, (t) => {
    const delays = certificates.slice(1).map(({ serialNumber, issuedAt }) => {
      return (traffic.firstSeenMs(side, serialNumber) ?? Number.POSITIVE_INFINITY) - Date.parse(issuedAt);
    });
    t.equal(delays.length, ROTATIONS);
    for (const delay of delays) t.ok(delay < PICK_UP_LIMIT_MS, `after ${delay.toFixed(0)} ms`);
    const inUse = traffic.exchanges.map((exchange) => exchange[side]).filter((serial) => serial !== undefined);
    const inOrder = inUse.filter((serial, index) => serial !== inUse[index - 1]);
    t.same(
      inOrder,
      certificates.map(({ serialNumber }) => serialNumber),
      'each once, in their order: none comes back',
    );
    t.comment(`${name}: from issue to use ${delays.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
    t.end();
  });

  await t.test(`${name}: rotations come after 4/5 of the life and at most 2 % of it later`, (t) => {
    const shares = certificates.map(({ issuedAt, notAfter, rotatesAt }) => {
      const lifeMs = Date.parse(notAfter) - Date.parse(issuedAt);
      t.ok(lifeMs > 13_000 && lifeMs <= 15_000, `a life of ${lifeMs} ms`);
      return { lifeMs, due: (Date.parse(rotatesAt) - Date.parse(issuedAt)) / lifeMs };
    });
    // A thousandth: moments are told in whole milliseconds.
    for (const { due } of shares) t.ok(due >= 0.8 - 1e-3 && due <= 0.82 + 1e-3, `due after ${due.toFixed(4)}`);
    const late = certificates
      .slice(1)
      .map(({ issuedAt }, index) => Date.parse(issuedAt) - Date.parse(certificates[index]?.rotatesAt ?? ''));
    for (const ms of late) t.ok(ms >= 0 && ms < ISSUE_LIMIT_MS, `and replaced ${ms} ms later`);
    t.comment(
      `${name}: due after ${shares.map(({ due }) => due.toFixed(3)).join(', ')}; replaced ${late.join(', ')} ms later`,
    );
    t.end();
  });

  await t.test(`${name}: its name is exactly ${service.spiffeId}`, async (t) => {
    const files = await readWithOpenssl(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'));
    t.same(files.names, [`URI:${service.spiffeId}`]);
    if (service === backend) {
      const served = await readServedWithOpenssl(traffic.serverPort, frontend.agent.identity);
      t.same(served.names, [`URI:${service.spiffeId}`]);
    }
  });

  await t.test(`${name}: metrics, inspect, Envoy and the files agree`, async (t) => {
    const files = await readWithOpenssl(readFileSync(join(agent.identity, 'tls.crt'), 'utf8'));
    const { configFile: config, identity } = agent;
    const asked = await runMeshcert(['inspect', '-c', config, '-o', 'json'], { directory: identity });
    t.match(asked, { code: 0, stderr: '' });
    const status = JSON.parse(asked.stdout) as Status;
    const { certificate } = status;
    const generation = certificate?.generation ?? 0;
    t.match(certificate, { serialNumber: files.serialNumber, notAfter: files.notAfter.toISOString() });
    t.match(status, {
      spiffeId: service.spiffeId,
      backend: 'vault-1',
      ready: true,
      regenerations: generation,
      ca: { state: 'Connected' },
      deliveries: [{ name: `files:${identity}`, generation }],
    });

    const metrics = await agent.metrics();
    const seconds = (iso = '') => Date.parse(iso) / 1000;
    const expected = {
      meshcert_certificate_not_after_timestamp_seconds: files.notAfter.getTime() / 1000,
      meshcert_certificate_not_before_timestamp_seconds: seconds(certificate?.notBefore),
      meshcert_certificate_rotation_due_timestamp_seconds: seconds(certificate?.rotatesAt),
      'meshcert_rotations_total{backend="vault-1",reason="start"}': 1,
      'meshcert_rotations_total{backend="vault-1",reason="due"}': generation - 1,
      'meshcert_ca_connected{backend="vault-1"}': 1,
      [`meshcert_delivered_generation{delivery="files:${identity}"}`]: generation,
      [`meshcert_delivery_failures_total{delivery="files:${identity}"}`]: 0,
      'meshcert_issue_duration_seconds_count{backend="vault-1",step="sign"}': generation,
    };
    const rounded = Array.from(metrics, ([sample, value]) => [sample, Math.floor(value * 1000) / 1000]);
    t.match(Object.fromEntries(rounded), expected);
    const logins = metrics.get('meshcert_issue_duration_seconds_count{backend="vault-1",step="login"}') ?? 0;
    t.ok(logins - generation <= 1, 'one login for each, and one to learn that the role demands RSA');

    const envoy = side === 'serverSerial' ? traffic.serverEnvoy : traffic.clientEnvoy;
    const { certificates: held } = await envoy.certs();
    const serials = held.flatMap(({ cert_chain = [] }) => cert_chain.map((one) => one.serial_number.toUpperCase()));
    t.same(new Set(serials), new Set([files.serialNumber]));
  });
}
