import t from 'tap';
import { loadText } from './load-text.ts';

const MESH = `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: builtin, dpCert: {rotation: {expiration: 1d}}}
  - {name: ca-2, type: provided, conf: {cert: {secret: c}, key: {secret: k}}}
  - {name: v, type: vault, conf: {fromCp: {address: "https://vault:8200", auth: {token: {secret: x}}}}}
`;
const POD = { POD_NAMESPACE: 'shop', SERVICE_ACCOUNT: 'web' };
const CLUSTER = { ...POD, KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

const load = (agent: string, environment: Record<string, string> = CLUSTER, mesh = MESH) =>
  loadText(`${mesh}---\ntype: Agent\n${agent}`, { environment });

t.test('builtin and provided are asked of the signer, others as ever', async (t) => {
  const { config, lines } = load('signer: {}\n');
  t.same(lines, []);
  const kinds = config?.backends.map(({ issuer }) => issuer.kind);
  t.same(kinds, ['kubernetes', 'kubernetes', 'vault']);
  t.equal(config?.backend, config?.backends[0], 'the enabled one is one of them');
  t.same(config?.backend, {
    name: 'ca-1',
    mode: 'STRICT',
    ttlSeconds: 86_400,
    requestTimeoutMs: 10_000,
    issuer: {
      kind: 'kubernetes',
      signerName: 'meshcert.io/default',
      backend: 'ca-1',
      trust: {
        kind: 'configMap',
        namespace: 'meshcert-system',
        name: 'meshcert-trust-default',
        key: 'backend-ca-1.crt',
      },
      access: {
        kind: 'pod',
        address: 'https://10.0.0.1:443',
        directory: '/var/run/secrets/kubernetes.io/serviceaccount',
      },
    },
  });
});

t.test('the identity is then that of the service account, unless it is said otherwise', async (t) => {
  t.equal(String(load('signer: {}\n').config?.spiffeId), 'spiffe://default/ns/shop/sa/web');
  t.equal(String(load('signer: {}\nspiffeId: "/{service}"\nservice: api\n').config?.spiffeId), 'spiffe://default/api');
  t.match(load('signer: {}\n', {}).lines, [
    /mesh\.yaml:11: signer: .*\{namespace\} has no value here; set POD_NAMESPACE in the environment/,
  ]);
});

t.test('without it the agent is the CA', async (t) => {
  for (const agent of ['service: web\n', 'service: web\nsigner:\n']) {
    t.equal(load(agent).config?.backend?.issuer.kind, 'builtin');
  }
});

t.test('a Mesh is not needed, as its default is a builtin CA', async (t) => {
  const { config } = loadText('type: Agent\nsigner: {namespace: ca}\n', { environment: CLUSTER });
  t.match(config?.backend?.issuer, { signerName: 'meshcert.io/default', trust: { namespace: 'ca' } });
});

t.test('mistakes are told', async (t) => {
  t.match(load('signer: {namspace: x}\n').lines, [/signer\.namspace: unknown key; did you mean "namespace"/]);
  t.match(load('signer: {namespace: A_b}\n').lines, [/signer\.namespace: expected the name of a namespace/]);
  t.match(load('signer: kubernetes\n').lines, [/signer: expected a mapping \(namespace\), got text/]);
  const vaultAlone = MESH.replace(/ {2}- \{name: ca-.*\n/g, '').replace('enabledBackend: ca-1', 'enabledBackend: v');
  t.match(load('signer: {}\n', CLUSTER, vaultAlone).lines, [/warning: signer: nobody asks the signer/]);
});

t.test('any other signer is a backend', async (t) => {
  const mesh = (conf: string) =>
    `type: Mesh\nname: default\nmtls: {enabledBackend: a, backends: [{name: a, type: kubernetes, conf: ${conf}}]}\n`;
  const issuer = (conf: string) => loadText(mesh(conf)).config?.backend?.issuer;
  t.same(issuer('{signerName: example.com/x.y-z}'), {
    kind: 'kubernetes',
    signerName: 'example.com/x.y-z',
    trust: { kind: 'clusterTrustBundles' },
    access: undefined,
  });
  t.match(issuer('{signerName: example.com/x, caCert: {file: ca.pem}}'), {
    trust: { kind: 'source', source: { kind: 'file', path: '/srv/ca.pem' } },
  });
  const told: readonly [conf: string, line: RegExp][] = [
    ['{}', /conf\.signerName: missing: expected the name of a signer; write it like example\.com\/mesh-ca/],
    ['{signerName: example.com}', /conf\.signerName: expected the name of a signer, got "example\.com"/],
    ['{signerName: "localhost/x"}', /conf\.signerName: expected the name of a signer/],
    ['{signerName: a.b/c, signer: x}', /conf\.signer: unknown key; did you mean "signerName"/],
    ['{signerName: a.b/c, caCert: {}}', /conf\.caCert: expected exactly one of/],
    ['[]', /conf: expected a mapping/],
  ];
  for (const [conf, line] of told) t.match(loadText(mesh(conf)).lines, [line], conf);
});
