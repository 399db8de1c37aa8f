import { readCaMaterial } from '../../src/ca/ca-material.ts';
import { certify } from '../../src/ca/certificate-authority.ts';
import { derToPem, pemToDer } from '../../src/identity/pem.ts';
import type { SigningRequest } from '../../src/kubernetes/signing-request.ts';
import { eventually } from './eventually.ts';
import type { Cluster } from './kube-client.ts';
import { inForce, TestCa } from './test-ca.ts';

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** An administrator who plays the signer `signerName` by hand, with a CA of their own. */
export async function makeHandSigner(cluster: Cluster, signerName: string) {
  const root = await TestCa.makeRoot('by hand', inForce());
  const ca = readCaMaterial(root.certificatePem, root.keyPem, 'the CA');

  async function put(request: SigningRequest, part: 'approval' | 'status', status: SigningRequest['status']) {
    const path = `${REQUESTS}/${request.metadata.name}/${part}`;
    const merged = { ...request, status: { ...request.status, ...status } };
    const { status: code, body } = await cluster.api<SigningRequest>('PUT', path, merged);
    if (code !== 200) throw new Error(`${path}: ${code} ${JSON.stringify(body)}`);
    return body;
  }
  const addCondition = (request: SigningRequest, type: string, reason: string, message: string) =>
    put(request, type === 'Failed' ? 'status' : 'approval', {
      conditions: [...(request.status?.conditions ?? []), { type, status: 'True', reason, message }],
    });
  const list = async () => {
    const path = `${REQUESTS}?fieldSelector=spec.signerName=${signerName}`;
    return (await cluster.api<{ items: SigningRequest[] }>('GET', path)).body.items;
  };
  return {
    rootPem: root.certificatePem,
    list,
    /** The first request that has no condition yet. */
    waitForRequest: () =>
      eventually('a request is there', async () =>
        (await list()).find(({ status }) => status?.conditions === undefined),
      ),
    addCondition,
    approve: (request: SigningRequest) => addCondition(request, 'Approved', 'ByHand', 'looked at'),
    /** @param spiffeId what the certificate is for, whatever was asked for. */
    async sign(request: SigningRequest, spiffeId: string, ttlSeconds = 3600) {
      const [csr = Buffer.alloc(0)] = pemToDer(
        'CERTIFICATE REQUEST',
        Buffer.from(request.spec.request, 'base64').toString(),
      );
      const { chain } = await certify(ca, { csr, spiffeId, ttlSeconds }, Date.now());
      const pem = chain.map((der) => derToPem('CERTIFICATE', der)).join('');
      return put(request, 'status', { certificate: Buffer.from(pem).toString('base64') });
    },
    async delete({ metadata: { name } }: SigningRequest) {
      await cluster.api('DELETE', `${REQUESTS}/${name}`);
    },
  };
}
