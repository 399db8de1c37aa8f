import type { Attempt, Explanation } from './network-errors.ts';

type Words = readonly [why: string, remedy: string];

const UNTRUSTED: Words = [
  "no CA that we trust signed Vault's TLS certificate",
  "set conf.fromCp.tls.caCert to the CA that signed Vault's certificate",
];

/** By the `code` of Node's errors: OpenSSL's verification results. */
const VERIFICATION: Readonly<Record<string, Words>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  CERT_HAS_EXPIRED: [
    "Vault's TLS certificate, or a CA above it, has expired",
    "renew Vault's TLS certificate, or set the clock of this machine",
  ],
  CERT_NOT_YET_VALID: ["Vault's TLS certificate, or a CA above it, is not valid yet", 'set the clock of this machine'],
};

const SIGNED_BY_ITS_CA = 'have it signed by a CA in tls_client_ca_file of that listener of Vault';

/** By what OpenSSL says of an alert of the other end (RFC 8446, 6.2): why Vault ended the handshake. */
const ALERTS: readonly [pattern: RegExp, words: Words][] = [
  [
    /alert certificate required/,
    [
      'its listener demands a client certificate',
      'set tls.clientCert and tls.clientKey, signed by a CA in its tls_client_ca_file',
    ],
  ],
  [/alert unknown ca/, ['it does not know the CA of the certificate in tls.clientCert', SIGNED_BY_ITS_CA]],
  [
    /alert certificate expired/,
    ['by its clock, the certificate in tls.clientCert has expired', 'renew it, and compare the clocks'],
  ],
  [
    /alert (bad|unsupported) certificate|alert certificate (unknown|revoked)/,
    ['it does not accept the certificate in tls.clientCert', SIGNED_BY_ITS_CA],
  ],
];

/** A TLS connection that failed, in words; undefined when TLS is not to blame. */
export function explainTlsFailure(cause: unknown, attempt: Attempt): Explanation | undefined {
  const { code = '', message = '' } = cause as NodeJS.ErrnoException;
  const words = VERIFICATION[code] ?? explainHandshake(cause, code, message, attempt);
  return words && { code: 'ERR_CA_TLS', why: words[0], remedy: words[1] };
}

function explainHandshake(
  cause: unknown,
  code: string,
  message: string,
  { address, addressKey = 'address' }: Attempt,
): Words | undefined {
  const key = `conf.fromCp.${addressKey}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [
      `its TLS certificate is for ${readNames(cause)} and not for the name that we look for`,
      `set conf.fromCp.tls.serverName, or the host in ${key}, to a name in the certificate`,
    ];
  }
  if (/wrong version number|packet length too long|http request/i.test(message)) {
    return [
      'the other end does not speak TLS',
      `if Vault listens without TLS there, write ${address.replace('https:', 'http:')} in ${key}`,
    ];
  }
  if (code !== 'EPROTO' && !code.startsWith('ERR_SSL') && !code.startsWith('ERR_TLS')) return undefined;
  const alert = ALERTS.find(([pattern]) => pattern.test(message));
  return (
    alert?.[1] ?? [
      `the TLS handshake failed (${readReason(code, message)})`,
      'check the TLS settings of the listener of Vault; TLS 1.2 or later is needed',
    ]
  );
}

function readNames(cause: unknown): string {
  const names = (cause as { cert?: { subjectaltname?: string } }).cert?.subjectaltname;
  return names === undefined ? 'other names' : names.slice(0, 200);
}

/** `...:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:...` -> `tlsv1 alert protocol version` */
function readReason(code: string, message: string): string {
  return /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? code;
}
