import t from 'tap';
import type { VaultAnswer } from '../../../../src/issuer/vault/client.ts';
import { explainNetworkError } from '../../../../src/issuer/vault/network-errors.ts';
import { explainStatus } from '../../../../src/issuer/vault/status-errors.ts';

const ADDRESS = 'https://vault:8200';
const attempt = { address: ADDRESS, purpose: 'logging in', timeLimitMs: 1000 };
const failure = (code: string, message = code) => Object.assign(new Error(message), { code });

t.test('a failed connection has its code, cause and remedy', async (t) => {
  const cases: [cause: Error, code: string, message: RegExp, remedy: RegExp][] = [
    [failure('ECONNREFUSED'), 'ERR_CA_UNREACHABLE', /logging in: connection refused$/, /conf.fromCp.address/],
    [failure('ENOTFOUND'), 'ERR_CA_UNREACHABLE', /no such host name/, /DNS/],
    [failure('ECONNRESET'), 'ERR_CA_UNREACHABLE', /cut/, /between/],
    [failure('EWHATEVER'), 'ERR_CA_UNREACHABLE', /EWHATEVER/, /address/],
    [failure('SELF_SIGNED_CERT_IN_CHAIN'), 'ERR_CA_TLS', /no CA that we trust/, /tls.caCert to the CA/],
    [failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'ERR_CA_TLS', /no CA that we trust/, /tls.caCert to the CA/],
    [failure('CERT_HAS_EXPIRED'), 'ERR_CA_TLS', /has expired/, /renew/],
    [
      Object.assign(failure('ERR_TLS_CERT_ALTNAME_INVALID'), { cert: { subjectaltname: 'DNS:vault.example' } }),
      'ERR_CA_TLS',
      /for DNS:vault.example and not/,
      /tls.serverName/,
    ],
    [
      failure(
        'EPROTO',
        'write EPROTO 40:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:x:77:',
      ),
      'ERR_CA_TLS',
      /does not speak TLS/,
      /write http:\/\/vault:8200/,
    ],
    [
      failure(
        'EPROTO',
        'write EPROTO 40:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:x:1:',
      ),
      'ERR_CA_TLS',
      /\(tlsv1 alert protocol version\)/,
      /TLS 1.2/,
    ],
    [failure('HPE_INVALID_CONSTANT'), 'ERR_CA_PROTOCOL', /does not speak HTTP/, /address/],
  ];
  for (const [cause, code, message, remedy] of cases) {
    t.match(explainNetworkError(cause, attempt), { code, message, remedy }, code);
  }
});

t.test('what Vault has against our client certificate is named', async (t) => {
  const cases: [alert: string, message: RegExp, remedy: RegExp][] = [
    ['tlsv13 alert certificate required', /demands a client certificate/, /tls.clientCert and tls.clientKey/],
    ['tlsv1 alert unknown ca', /does not know the CA of the certificate/, /tls_client_ca_file/],
    ['sslv3 alert bad certificate', /does not accept the certificate/, /tls_client_ca_file/],
    ['sslv3 alert certificate expired', /by its clock, .* has expired/, /clocks/],
  ];
  for (const [alert, message, remedy] of cases) {
    const cause = failure('EPROTO', `error:0A000000:SSL routines:ssl3_read_bytes:${alert}:x:1:SSL alert number 0`);
    t.match(explainNetworkError(cause, attempt), { code: 'ERR_CA_TLS', message, remedy }, alert);
  }
});

t.test('a Vault Agent that cannot be reached is named, and its socket', async (t) => {
  const agent = { ...attempt, addressKey: 'agentAddress' as const };
  const socket = { ...agent, address: 'unix:///run/agent.sock' };
  const cases: [code: string, attempt: typeof agent, message: RegExp, remedy: RegExp][] = [
    ['ECONNREFUSED', agent, /the Vault Agent at https:.*connection refused/, /agentAddress, and that Vault Agent runs/],
    ['ENOENT', socket, /there is no such socket/, /unix listener/],
    ['ECONNREFUSED', socket, /nobody listens on that socket/, /unix listener/],
    ['EACCES', socket, /permission denied/, /socket_mode/],
    ['EINVAL', socket, /longer than that of a socket/, /107 bytes/],
    ['ECONNRESET', socket, /connection was cut/, /agentAddress/],
  ];
  for (const [code, where, message, remedy] of cases) {
    t.match(explainNetworkError(failure(code), where), { code: 'ERR_CA_UNREACHABLE', message, remedy }, code);
  }
});

t.test('a status that comes through a Vault Agent leads to its settings, not to ours', async (t) => {
  const say = (answer: Partial<VaultAnswer>) =>
    explainStatus(
      { status: 0, body: undefined, complaint: '', addressKey: 'agentAddress', ...answer },
      'unix:///run/agent.sock',
      'signing',
    ).line;
  t.match(say({ status: 473 }), /^the Vault Agent at unix:.* answered 473 .*; see the log of the Vault Agent/);
  t.match(say({ status: 204 }), /see the log of the Vault Agent/);
  t.match(
    say({ status: 500, complaint: 'failed to get the response: Get "https://v": refused' }),
    /it cannot reach Vault: "failed/,
  );
  t.match(say({ status: 503, complaint: 'Vault is sealed' }), /; run: vault operator unseal$/);
});

t.test('a status that says no has its code, retry class and remedy', async (t) => {
  const cases: [answer: Partial<VaultAnswer>, code: string, retry: string, line: RegExp][] = [
    [
      { status: 400, complaint: 'nonsense' },
      'ERR_CA_REFUSED',
      'slowly',
      /answered 400 while signing: bad request: "nonsense"/,
    ],
    [
      { status: 400, complaint: 'Client sent an HTTP request to an HTTPS server.' },
      'ERR_CA_TLS',
      'slowly',
      /listens with TLS.*write https:\/\/vault/,
    ],
    [{ status: 403 }, 'ERR_CA_DENIED', 'slowly', /permission denied/],
    [{ status: 404 }, 'ERR_CA_REFUSED', 'slowly', /no such path/],
    [{ status: 405 }, 'ERR_CA_REFUSED', 'slowly', /another kind of engine/],
    [{ status: 412 }, 'ERR_CA_UNAVAILABLE', 'soon', /not caught up/],
    [{ status: 472 }, 'ERR_CA_UNAVAILABLE', 'slowly', /disaster recovery/],
    [{ status: 473 }, 'ERR_CA_UNAVAILABLE', 'soon', /standby/],
    [{ status: 500, complaint: 'boom' }, 'ERR_CA_UNAVAILABLE', 'soon', /boom/],
    [
      { status: 500, complaint: 'local node not active but active cluster node not found' },
      'ERR_CA_UNAVAILABLE',
      'soon',
      /no active node just now/,
    ],
    [{ status: 501 }, 'ERR_CA_UNAVAILABLE', 'slowly', /vault operator init/],
    [{ status: 502 }, 'ERR_CA_UNAVAILABLE', 'soon', /depends on/],
    [{ status: 503, complaint: 'Vault is sealed' }, 'ERR_CA_UNAVAILABLE', 'slowly', /sealed.*vault operator unseal/],
    [{ status: 503, complaint: 'no backend' }, 'ERR_CA_UNAVAILABLE', 'soon', /no backend/],
    [{ status: 504 }, 'ERR_CA_UNAVAILABLE', 'soon', /504/],
    [
      { status: 307, location: 'https://node2:8200/v1/x' },
      'ERR_CA_UNAVAILABLE',
      'soon',
      /sends us to https:\/\/node2:8200,/,
    ],
    [{ status: 204 }, 'ERR_CA_PROTOCOL', 'slowly', /no answer of Vault/],
    [{ status: 418 }, 'ERR_CA_PROTOCOL', 'slowly', /no answer of Vault/],
  ];
  for (const [answer, code, retry, line] of cases) {
    const error = explainStatus(
      { status: 0, body: undefined, complaint: '', ...answer },
      'http://vault:8200',
      'signing',
    );
    t.match(error, { code, retry, line }, String(answer.status));
  }
});

t.test('how long Vault wants to be left alone is passed on', async (t) => {
  const answer = { status: 429, body: undefined, complaint: 'quota', retryAfterMs: 7000 };
  t.match(explainStatus(answer, ADDRESS, 'signing'), { code: 'ERR_CA_THROTTLED', retryAfterMs: 7000, retry: 'soon' });
});
