import t from 'tap';
import { loadGood, loadText } from './load-text.ts';

const mesh = (conf: string, enabled = 'a') =>
  `type: Mesh\nname: default\nmtls:\n  enabledBackend: ${enabled}\n  backends:\n  - {name: a, type: certmanager, conf: ${conf}}\n  - {name: b, type: builtin}\n`;

t.test('the issuer, with what cert-manager takes by default', async (t) => {
  const read = (conf: string) => loadGood(mesh(conf)).backend?.issuer;
  t.same(read('{issuerRef: {name: mesh-ca}}'), {
    kind: 'certmanager',
    issuerRef: { name: 'mesh-ca', kind: 'Issuer', group: 'cert-manager.io' },
    caCert: undefined,
    access: undefined,
  });
  t.match(read('{issuerRef: {name: mesh-ca, kind: ClusterIssuer}, caCert: {secret: root}}'), {
    issuerRef: { kind: 'ClusterIssuer', group: 'cert-manager.io' },
    caCert: { kind: 'secret', name: 'root' },
  });
  t.match(read('{issuerRef: {name: pca, kind: AWSPCAClusterIssuer, group: awspca.cert-manager.io}}'), {
    issuerRef: { name: 'pca', kind: 'AWSPCAClusterIssuer', group: 'awspca.cert-manager.io' },
  });
});

t.test('the way to the API server is that of the environment', async (t) => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const { backend } = loadGood(mesh('{issuerRef: {name: mesh-ca}}'), { environment });
  t.match(backend?.issuer, { access: { kind: 'pod', address: 'https://10.0.0.1:443' } });
});

t.test('a backend that is not enabled and names no root is not in the bundle, which is told', async (t) => {
  const { config, lines } = loadText(mesh('{issuerRef: {name: mesh-ca}}', 'b'));
  t.ok(config);
  t.same(lines, [
    'mesh.yaml:6: warning: mtls.backends[0].conf.caCert: missing: the CA is in the trust bundle only while this backend is enabled; set it to the root of that CA',
  ]);
  t.ok(loadGood(mesh('{issuerRef: {name: mesh-ca}, caCert: {secret: root}}', 'b')));
});

t.test('mistakes, each at its place', async (t) => {
  const at = 'mesh.yaml:6: mtls.backends[0].conf';
  const write = 'write it like {name: mesh-ca, kind: Issuer}';
  const missing = `${at}.issuerRef: missing: expected the issuer of cert-manager; ${write}`;
  for (const [conf, mistakes] of [
    ['', [missing]],
    ['{}', [missing]],
    ['{issuerRef: {kind: Issuer}}', [`${at}.issuerRef.name: missing: expected the name of the issuer; ${write}`]],
    [
      '{issuerRef: {name: a, kind: clusterissuer}}',
      [`${at}.issuerRef.kind: expected a kind such as Issuer or ClusterIssuer, got "clusterissuer"`],
    ],
    [
      '{issuerRef: {name: a, kind: ClusterIsuer}}',
      [`${at}.issuerRef.kind: expected Issuer or ClusterIssuer, got "ClusterIsuer"; did you mean "ClusterIssuer"?`],
    ],
    [
      '{issuerRef: {name: a, kind: AWSPCAIssuer}}',
      [/issuerRef\.kind: expected Issuer or ClusterIssuer, got "AWSPCAIssuer"; set group too/],
    ],
    ['{issuerRef: {name: ../a}}', [/issuerRef\.name: expected the name of an issuer.*, got "\.\.\/a"/]],
    ['{issuerRef: {name: a, group: "cert manager"}}', [/issuerRef\.group: expected an API group such as/]],
    ['{issuerRf: {name: a}}', [/conf\.issuerRf: unknown key.*did you mean "issuerRef"/, missing]],
    ['{issuerRef: mesh-ca}', [/conf\.issuerRef: expected a mapping \(name, kind, group\), got text/]],
    ['{issuerRef: {name: a}, caCert: {inline: "###"}}', [/conf\.caCert\.inline: expected base64/]],
    ['[a]', [/conf: expected a mapping/, missing]],
  ] as const) {
    const { config, lines } = loadText(mesh(conf));
    t.equal(config, undefined, conf);
    t.match(lines, [...mistakes], conf);
    t.equal(lines.length, mistakes.length, lines.join('\n'));
  }
});
