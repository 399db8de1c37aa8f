import t from 'tap';
import { runDoctor } from '../helpers/doctor.ts';
import { makeServiceAccount, type ServiceAccount } from '../helpers/service-account.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makePodEnvironment, makeSignerCluster, runSigner } from '../helpers/signer-cluster.ts';
import { renderSignedMesh } from '../helpers/signer-process.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const directory = temporaryDirectory(t);
const place = await makeSignerCluster(cluster, directory);

const examine = (account: ServiceAccount, args: readonly string[] = []) =>
  runDoctor({
    directory,
    mesh: renderSignedMesh(place.mesh, '1h'),
    meshName: place.mesh,
    agentLines: `signer: {namespace: ${place.namespace}}`,
    environment: makePodEnvironment(account),
    args,
  });

t.test('where there never was a signer, that is told', async (t) => {
  const { code, finding } = await examine(place.web);
  t.equal(code, 1);
  t.match(finding('signer'), { verdict: 'fail', cause: /the signer has published no trust bundle/ });
  t.equal(finding('trial').verdict, 'skip');
});

t.test('where all is well, all is well', async (t) => {
  const signer = await runSigner(t, place);
  const { code, complaints, finding } = await examine(place.web);
  t.same(complaints, []);
  t.equal(code, 0);
  t.match(finding('trial').cause, `spiffe://${place.mesh}/ns/${place.workloads}/sa/web`);

  const foreign = await makeServiceAccount(cluster, directory);
  const denied = (await examine(foreign)).finding('signer');
  t.match(denied, { verdict: 'fail', cause: /may not create CertificateSigningRequests/ });
  t.match(denied.remedy, /ClusterRole/);
  await signer.stop();
});

t.test('where the signer has gone, the trial tells', async (t) => {
  const { finding } = await examine(place.web);
  t.equal(finding('signer').verdict, 'pass');
  t.match(finding('trial'), { verdict: 'fail', cause: /was not approved yet, within 3 s/ });
});
