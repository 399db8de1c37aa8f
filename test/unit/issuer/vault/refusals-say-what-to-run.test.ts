import t from 'tap';
import { SpiffeId } from '../../../../src/identity/spiffe-id.ts';
import type { VaultAnswer } from '../../../../src/issuer/vault/client.ts';
import { explainDenied, explainSignRefusal } from '../../../../src/issuer/vault/sign-errors.ts';

const attempt = {
  address: 'https://vault:8200',
  pki: 'pki',
  role: 'mesh',
  request: {
    spiffeId: new SpiffeId('default', '/web'),
    makeCsr: async () => Buffer.alloc(0),
    keyType: 'ec-p256' as const,
    ttlSeconds: 3600,
  },
};
const answer = (status: number, complaint: string): VaultAnswer => ({ status, complaint, body: undefined });

t.test('each refusal to sign has its code, cause and command', async (t) => {
  const cases: [status: number, complaint: string, code: string, message: RegExp, remedy: RegExp][] = [
    [
      400,
      'role requires keys of type rsa',
      'ERR_KEY_TYPE',
      /signs only rsa keys/,
      /vault patch pki\/roles\/mesh key_type/,
    ],
    [400, 'role requires keys of type ed25519', 'ERR_CA_REFUSED', /only ed25519 keys/, /key_type=any/],
    [
      400,
      "role requires a minimum of a 384-bit key, but CSR's key is 256 bits",
      'ERR_KEY_TYPE',
      /384 bits or more, ours is ec-p256/,
      /set keyType/,
    ],
    [400, 'unknown role: mesh', 'ERR_CA_REFUSED', /no role "mesh" in pki/, /vault list pki\/roles/],
    [
      400,
      'the common_name field is required, or must be provided in a CSR with "use_csr_common_name" set to true',
      'ERR_CA_REFUSED',
      /demands a common name/,
      /vault patch pki\/roles\/mesh require_cn=false/,
    ],
    [
      400,
      'common name web.mesh not allowed by this role',
      'ERR_CA_REFUSED',
      /does not allow the common name that conf\.fromCp\.commonName says/,
      /vault patch pki\/roles\/mesh allowed_domains/,
    ],
    [
      400,
      'URI Subject Alternative Names were provided via CSR which are not valid for this role',
      'ERR_CA_REFUSED',
      /does not allow spiffe:\/\/default\/web/,
      /vault patch pki\/roles\/mesh allowed_uri_sans="spiffe:\/\/default\/\*"/,
    ],
    [
      400,
      'cannot satisfy request, as TTL would result in notAfter of 2037-02-26T09:50:55Z that is beyond the expiration of the CA certificate at 2027-11-21T09:50:07Z',
      'ERR_CA_REFUSED',
      /the CA ends at 2027-11-21T09:50:07Z/,
      /lower dpCert.rotation.expiration/,
    ],
    [
      500,
      'could not fetch the CA certificate (was one set?): no default issuer currently configured',
      'ERR_CA_REFUSED',
      /pki has no CA yet/,
      /vault write pki\/root\/generate/,
    ],
    [
      400,
      'role key type "any" not allowed for issuing certificates, only signing',
      'ERR_CA_DENIED',
      /would have to name one key type/,
      /path "pki\/sign\/mesh" \{ capabilities = \["create", "update"\] \}/,
    ],
    [404, 'no handler for route "pki/sign/mesh"', 'ERR_CA_REFUSED', /no secrets engine at pki/, /vault secrets list/],
    [503, 'Vault is sealed', 'ERR_CA_UNAVAILABLE', /sealed/, /vault operator unseal/],
  ];
  for (const [status, complaint, code, message, remedy] of cases) {
    t.match(explainSignRefusal(answer(status, complaint), attempt), { code, message, remedy }, complaint);
  }
  t.equal(explainSignRefusal(answer(400, 'role requires keys of type ec'), attempt).detail, 'ec-p256');
  t.equal(explainSignRefusal(answer(400, 'role requires keys of type ed25519'), attempt).detail, undefined);
});

t.test('a denied token is told apart by what Vault thinks of it', async (t) => {
  const both = /may use neither pki\/sign\/mesh nor pki\/issue\/mesh/;
  t.match(explainDenied(attempt, 'borrowed', 'alive'), {
    code: 'ERR_CA_DENIED',
    message: both,
    remedy: /pki\/sign\/mesh/,
  });
  t.match(explainDenied(attempt, 'configured', 'unknown'), { code: 'ERR_CA_DENIED', message: /or has expired/ });
  t.match(explainDenied(attempt, 'configured', 'dead'), { code: 'ERR_LOGIN_DENIED', remedy: /auth.token/ });
  t.match(explainDenied(attempt, 'borrowed', 'dead'), { code: 'ERR_CA_UNAVAILABLE', retry: 'soon' });
  for (const state of ['alive', 'dead'] as const) {
    t.match(explainDenied(attempt, 'agent', state), {
      code: 'ERR_CA_DENIED',
      message: both,
      remedy: /use_auto_auth_token/,
    });
  }
});
