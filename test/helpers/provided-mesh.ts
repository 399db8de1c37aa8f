import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateKey } from '../../src/identity/key-pair.ts';
import { derToPem } from '../../src/identity/pem.ts';
import { renderProvidedMesh } from './kong-mesh.ts';
import { inForce, TestCa } from './test-ca.ts';

export interface ProvidedMesh {
  /** The Mesh document. */
  readonly mesh: string;
  /** Writes `tls.crt`, `tls.key` and `ca.crt` of a service without an agent, valid for days. @returns the folder */
  writeIdentity(service: string): Promise<string>;
}

/** The mesh `default` with a CA of the user's own, in two files of the folder. No CA has to be asked over a network. */
export async function makeProvidedMesh(directory: string, expiration: string): Promise<ProvidedMesh> {
  const root = await TestCa.makeRoot('root', inForce());
  mkdirSync(directory, { recursive: true });
  const [cert, key] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  writeFileSync(cert, root.certificatePem);
  writeFileSync(key, root.keyPem, { mode: 0o600 });
  return {
    mesh: renderProvidedMesh(cert, key, expiration),
    async writeIdentity(service) {
      const identity = join(directory, service);
      const privateKey = await makePrivateKey('ec-p256');
      const leaf = await root.signLeaf(privateKey, { uris: [`spiffe://default/${service}`], ...inForce() });
      mkdirSync(identity, { recursive: true });
      writeFileSync(join(identity, 'tls.crt'), derToPem('CERTIFICATE', leaf));
      writeFileSync(join(identity, 'tls.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
      writeFileSync(join(identity, 'ca.crt'), root.certificatePem);
      return identity;
    },
  };
}
