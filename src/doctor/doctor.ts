/**
 * Tries each step of the way to a certificate against the real CA, and says what mends those that fail.
 *
 * A kind of CA that needs an examination of its own gets a folder beside this file.
 *
 * @module
 */
import type { Backend, Config } from '../config/config.ts';
import { type Examination, type Finding, openExamination } from './examination.ts';
import type { DoctorPorts } from './ports.ts';
import type { Subject } from './subject.ts';

/** Never throws: what goes wrong is a finding. */
export async function examine(config: Config, ports: DoctorPorts): Promise<readonly Finding[]> {
  const examination = openExamination();
  if (config.backend === undefined) {
    await examination.check('mtls', [], () => ({
      verdict: 'warn',
      cause: `mTLS is off: the Mesh "${config.mesh}" enables no backend, so nothing is issued`,
      remedy: 'name a backend in mtls.enabledBackend',
    }));
  } else {
    await examineBackend(examination, config, config.backend, ports);
  }
  return examination.findings;
}

async function examineBackend(
  examination: Examination,
  { mesh, spiffeId, keyType }: Config,
  { issuer, name, ttlSeconds, requestTimeoutMs }: Backend,
  ports: DoctorPorts,
): Promise<void> {
  const subject: Subject = { backend: name, mesh, spiffeId, keyType, ttlSeconds, requestTimeoutMs };
  switch (issuer.kind) {
    case 'vault': {
      const { examineVault } = await import('./vault/examine-vault.ts');
      return await examineVault(examination, { ...subject, vault: issuer }, ports);
    }
    case 'acmpca': {
      const { examineAcmPca } = await import('./acmpca/examine-acmpca.ts');
      return await examineAcmPca(examination, { ...subject, acmpca: issuer }, ports);
    }
    case 'certmanager': {
      const { examineCertManager } = await import('./certmanager/examine-certmanager.ts');
      return await examineCertManager(examination, { ...subject, certmanager: issuer }, ports);
    }
    case 'kubernetes': {
      const { examineKubernetes } = await import('./examine-kubernetes.ts');
      return await examineKubernetes(examination, { ...subject, kubernetes: issuer }, ports);
    }
    case 'provided': {
      const { examineProvided } = await import('./examine-provided.ts');
      return await examineProvided(examination, { ...subject, provided: issuer }, ports);
    }
    case 'builtin':
      await examination.check('backend', [], () => ({
        verdict: 'pass',
        cause: `the agent itself is the CA "${name}": there is nobody to be asked`,
      }));
      return;
    default:
      return issuer satisfies never;
  }
}
