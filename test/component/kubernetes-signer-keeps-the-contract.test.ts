import t from 'tap';
import { holdToIssuerContract } from '../contract/issuer-contract.ts';
import { freePort } from '../helpers/free-port.ts';
import { sharedPeers } from '../helpers/shared-peers.ts';
import { makeSignerCluster, runSigner } from '../helpers/signer-cluster.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { cluster } = await sharedPeers(t);
const place = await makeSignerCluster(cluster, temporaryDirectory(t));
await runSigner(t, place, { trustDomain: 'default', template: '/{service}', allowedNamespaces: [place.workloads] });
const config = place.issuerConfig(place.web);
const absent = { ...config, access: { ...place.web.access, address: `https://127.0.0.1:${await freePort()}` } };

t.test('the signer of a mesh, asked by a service account with the documented rights', async (t) => {
  holdToIssuerContract(t, {
    config,
    absent: { config: absent, code: 'ERR_CA_UNREACHABLE' },
    certifiesUsAlone: true,
    leastTtlSeconds: 600,
  });
});
