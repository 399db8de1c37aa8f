import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { CertManagerConfig } from '../../src/issuer/certmanager/config.ts';
import { makeManifests } from '../../src/setup/certmanager/manifests.ts';
import { startCertManager } from './cert-manager.ts';
import type { Cluster } from './kube-client.ts';
import { makeServiceAccount, type Rule, type ServiceAccount } from './service-account.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface Tenant {
  readonly account: ServiceAccount;
  readonly namespace: string;
  readonly directory: string;
  /** The Issuer `mesh-ca`, as the service account reaches it. */
  readonly config: CertManagerConfig;
  /** What is left in the namespace. */
  listRequests(): Promise<readonly string[]>;
}

/**
 * A namespace with cert-manager at work in it alone, and a service account that has exactly what `setup certmanager`
 * prints.
 */
export async function makeTenant(
  t: Pick<Test, 'teardown'>,
  cluster: Cluster,
  { approves = true, works = true }: { approves?: boolean; works?: boolean } = {},
): Promise<Tenant> {
  const directory = temporaryDirectory(t);
  const account = await makeServiceAccount(cluster, directory);
  const { namespace, access } = account;
  const config: CertManagerConfig = {
    kind: 'certmanager',
    issuerRef: { name: 'mesh-ca', kind: 'Issuer', group: 'cert-manager.io' },
    access,
  };
  for (const { kind, rules } of listRbac(config, account)) if (kind === 'Role') await account.grant(rules as Rule[]);
  if (works) {
    const logs = join(directory, 'cert-manager');
    mkdirSync(logs);
    const running = await startCertManager(cluster, { directory: logs, namespace, approves });
    t.teardown(() => running.stop());
  }
  return {
    account,
    namespace,
    directory,
    config,
    async listRequests() {
      const path = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificaterequests`;
      const { body } = await cluster.api<{ items: { metadata: { name: string } }[] }>('GET', path);
      return body.items.map(({ metadata }) => metadata.name);
    },
  };
}

function listRbac(certmanager: CertManagerConfig, { namespace, name }: ServiceAccount) {
  const subject = { certmanager, mesh: 'default', trustDomain: 'default', spiffeId: 'spiffe://default/web' };
  const serviceAccount = { namespace, name };
  return makeManifests(
    { ...subject, ttlSeconds: 3600 },
    { serviceAccount, makesIssuer: false, certManagerNamespace: 'cert-manager' },
  );
}
