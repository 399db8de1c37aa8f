/**
 * Tries each step of the way to a certificate against the real CA, and says what mends those that fail.
 *
 * A kind of CA that needs an examination of its own gets a folder beside this file.
 *
 * @module
 */
import type { Config } from '../config/config.ts';
import { type Finding, openExamination } from './examination.ts';
import type { DoctorPorts } from './ports.ts';

/** Never throws: what goes wrong is a finding. */
export async function examine(config: Config, ports: DoctorPorts): Promise<readonly Finding[]> {
  const { backend, mesh, spiffeId, keyType } = config;
  const examination = openExamination();
  if (backend === undefined) {
    await examination.check('mtls', [], () => ({
      verdict: 'warn',
      cause: `mTLS is off: the Mesh "${mesh}" enables no backend, so nothing is issued`,
      remedy: 'name a backend in mtls.enabledBackend',
    }));
    return examination.findings;
  }
  const { issuer, name, ttlSeconds, requestTimeoutMs } = backend;
  switch (issuer.kind) {
    case 'vault': {
      const { examineVault } = await import('./vault/examine-vault.ts');
      const subject = { vault: issuer, backend: name, mesh, spiffeId, keyType, ttlSeconds, requestTimeoutMs };
      await examineVault(examination, subject, ports);
      return examination.findings;
    }
    case 'acmpca': {
      const { examineAcmPca } = await import('./acmpca/examine-acmpca.ts');
      const subject = { acmpca: issuer, backend: name, mesh, spiffeId, keyType, ttlSeconds, requestTimeoutMs };
      await examineAcmPca(examination, subject, ports);
      return examination.findings;
    }
    case 'certmanager': {
      const { examineCertManager } = await import('./certmanager/examine-certmanager.ts');
      const subject = { certmanager: issuer, backend: name, mesh, spiffeId, keyType, ttlSeconds, requestTimeoutMs };
      await examineCertManager(examination, subject, ports);
      return examination.findings;
    }
    case 'kubernetes': {
      const { examineKubernetes } = await import('./examine-kubernetes.ts');
      const subject = { kubernetes: issuer, backend: name, mesh, spiffeId, keyType, ttlSeconds, requestTimeoutMs };
      await examineKubernetes(examination, subject, ports);
      return examination.findings;
    }
    case 'provided': {
      const { examineProvided } = await import('./examine-provided.ts');
      const { trustDomain } = spiffeId;
      await examineProvided(
        examination,
        { provided: issuer, backend: name, mesh, trustDomain, requestTimeoutMs },
        ports,
      );
      return examination.findings;
    }
    case 'builtin':
      await examination.check('backend', [], () => ({
        verdict: 'pass',
        cause: `the agent itself is the CA "${name}": there is nobody to be asked`,
      }));
      return examination.findings;
    default:
      return issuer satisfies never;
  }
}
