import t from 'tap';
import {
  EVERY_BACKEND,
  keepClientCertificate,
  keepToken,
  VAULT_KUBERNETES,
  VAULT_UNIVERSAL,
} from './kong-mesh-documents.ts';
import { loadText } from './load-text.ts';

const warning =
  'conf.fromCp.address: no host can have the name in "https://vault.8200"; did you mean "https://vault:8200"?';

for (const [form, text, ttlSeconds, at] of [
  ['Kubernetes', VAULT_KUBERNETES, 86_400, 'mesh.yaml:16: warning: spec.mtls'],
  ['Universal', VAULT_UNIVERSAL, 86_400, 'mesh.yaml:13: warning: mtls'],
] as const) {
  t.test(`the Vault document in its ${form} form, with the one way to log in that it asks for`, async (t) => {
    const { config, lines } = loadText(keepToken(text));
    t.same(lines, [`${at}.backends[0].${warning}`], 'loads, and says that its address is a slip of the pen');
    t.same(config?.backend, {
      name: 'vault-1',
      mode: 'STRICT',
      ttlSeconds,
      requestTimeoutMs: 10_000,
      issuer: {
        kind: 'vault',
        address: 'https://vault.8200',
        agentAddress: undefined,
        namespace: undefined,
        pki: 'kuma-pki-default',
        role: 'dataplanes',
        commonName: undefined,
        tls: {
          caCert: { kind: 'secret', name: 'sec-1' },
          skipVerify: false,
          serverName: undefined,
          clientCert: undefined,
          clientKey: undefined,
        },
        auth: { method: 'token', token: { kind: 'secret', name: 'token-1' } },
        caChain: undefined,
      },
    });
    t.equal(config?.mesh, 'default');
  });
}

for (const [form, text, at] of [
  ['Kubernetes', VAULT_KUBERNETES, ['mesh.yaml:16: warning: spec.mtls', 'mesh.yaml:27: warning: spec.mtls']],
  ['Universal', VAULT_UNIVERSAL, ['mesh.yaml:13: warning: mtls', 'mesh.yaml:24: warning: mtls']],
] as const) {
  t.test(`the Vault document in its ${form} form, verbatim: the token logs in`, async (t) => {
    const { config, lines } = loadText(text);
    t.same(lines, [
      `${at[0]}.backends[0].${warning}`,
      `${at[1]}.backends[0].conf.fromCp.auth.tls: the login is by token, and the client certificate is for the ` +
        'connection alone; keep one of the two, or write the certificate under fromCp.tls',
    ]);
    t.match(config?.backend?.issuer, {
      tls: { clientCert: { kind: 'file', path: '/tmp/cert.pem' }, clientKey: { kind: 'secret', name: 'sec-2' } },
      auth: { method: 'token', token: { kind: 'secret', name: 'token-1' } },
    });
  });

  t.test(`the Vault document in its ${form} form, with the client certificate alone`, async (t) => {
    const { config, lines } = loadText(keepClientCertificate(text));
    t.same(lines, [`${at[0]}.backends[0].${warning}`]);
    t.match(config?.backend?.issuer, {
      tls: { clientCert: { kind: 'file', path: '/tmp/cert.pem' }, clientKey: { kind: 'secret', name: 'sec-2' } },
      auth: { method: 'tls', role: undefined, mountPath: 'auth/cert' },
    });
  });
}

t.test('a Mesh with every backend and key that is documented', async (t) => {
  const { config, lines } = loadText(EVERY_BACKEND);
  t.same(
    lines,
    [
      'mesh.yaml:24: warning: mtls.backends[0].conf.fromCp.tls.caCert: a value that stands in the configuration is ' +
        'for development only; use secret or file',
    ],
    'loads, and says what it does not do',
  );
  t.same(config?.supportedBackends, [
    'vault-1',
    'builtin-1',
    'provided-1',
    'acmpca-1',
    'certmanager-1',
    'vault-aws',
    'vault-tls',
  ]);
  t.hasStrict(config?.backend, {
    mode: 'PERMISSIVE',
    requestTimeoutMs: 5_000,
    issuer: {
      namespace: 'admin/mesh',
      pki: 'kmesh-pki-default',
      role: 'dataplane-proxies',
      tls: { caCert: { kind: 'inline', value: '-----BEGIN CERTIFICATE-----' }, serverName: 'vault.internal' },
      auth: { method: 'token', token: { kind: 'file', path: '/srv/token' } },
    },
  });
});

t.test('the Kubernetes form as an API server gives it back', async (t) => {
  const stored = `apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata:
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
  creationTimestamp: "2026-01-01T00:00:00Z"
  generation: 2
  name: prod
  resourceVersion: "12"
  uid: 0b7e
spec:
  mtls:
    enabledBackend: ca-1
    backends:
    - name: ca-1
      type: builtin
      dpCert: {rotation: {expiration: 1d}}
      conf: {caCert: {RSAbits: 2048, expiration: 10y}}
`;
  const { config, lines } = loadText(stored);
  t.same(lines, []);
  t.equal(config?.mesh, 'prod');
  t.equal(String(config?.spiffeId), 'spiffe://prod/web-0');
  t.same(config?.backend?.issuer, {
    kind: 'builtin',
    directory: '/srv/.meshcert/ca',
    rsaBits: 2048,
    caTtlSeconds: 315_360_000,
  });
});
