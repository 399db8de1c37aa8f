import type { VaultAuth } from '../config.ts';
import { type LoginRequest, refuseAsDenied } from './login-request.ts';

/** By the client certificate that the connection was made with; the request only names the role. */
export function prepareCertificateLogin({ role, mountPath }: Extract<VaultAuth, { method: 'tls' }>): LoginRequest {
  const which = role === undefined ? 'no role' : `the role "${role}" does not`;
  return {
    body: role === undefined ? {} : { name: role },
    secrets: [],
    // What its path_login.go says.
    refusals: [
      {
        pattern: /client certificate must be supplied|no client certificate|tls connection required/,
        why: 'no client certificate reached it',
        remedy: 'let the connection end at Vault itself, without tls_disable_client_certs in its listener',
      },
      {
        pattern: /failed to match all constraints|no certificate was matched|no chain matching/,
        why: `${role === undefined ? `${which} of ${mountPath} takes` : `${which} take`} our client certificate`,
        remedy: `compare the certificate's CA, names and usage with: vault read ${mountPath}/certs/${role ?? 'ROLE'}`,
      },
      {
        // Its name for whoever logs in is the common name, and a SPIFFE certificate has none.
        pattern: /missing name in alias/,
        why: 'our client certificate has no common name',
        remedy: 'use one that has, or another way to log in: Vault needs it to tell clients apart',
      },
      {
        pattern: /certificate mismatch|failed to verify client's certificate/,
        why: `${mountPath} has the CA of our client certificate on record for another one`,
        remedy: `compare auth.tls.clientCert with: vault read ${mountPath}/certs/${role ?? 'ROLE'}`,
      },
      refuseAsDenied('our client certificate', mountPath, 'and that auth.tls.mountPath names it'),
    ],
  };
}
