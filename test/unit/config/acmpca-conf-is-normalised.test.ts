import t from 'tap';
import { loadText } from './load-text.ts';

const ID = '12345678-1234-1234-1234-123456789012';
const ARN = `arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/${ID}`;

function load(conf: readonly string[], environment: Record<string, string> = {}) {
  const lines = [
    'type: Mesh',
    'name: default',
    'mtls:',
    '  enabledBackend: ca-1',
    '  backends:',
    '  - name: ca-1',
    '    type: acmpca',
    '    conf:',
    ...conf.map((line) => `      ${line}`),
    '---',
    'type: Agent',
    'service: web',
  ];
  return loadText(`${lines.join('\n')}\n`, { environment });
}

t.test('an ARN is enough', async (t) => {
  const { config, lines } = load([`arn: ${ARN}`]);
  t.same(lines, []);
  t.strictSame(config?.backend?.issuer, {
    kind: 'acmpca',
    arn: ARN,
    region: 'eu-central-1',
    partition: 'aws',
    loginRegion: 'eu-central-1',
    commonName: undefined,
    caCert: undefined,
    credentials: undefined,
  });
});

t.test('the region of the CA is that of its ARN, and AWS_REGION is where credentials are got', async (t) => {
  const arn = `arn:aws-us-gov:acm-pca:us-gov-west-1:123456789012:certificate-authority/${ID}`;
  t.hasStrict(load([`arn: ${arn}`], { AWS_REGION: 'us-gov-east-1' }).config?.backend?.issuer, {
    region: 'us-gov-west-1',
    partition: 'aws-us-gov',
    loginRegion: 'us-gov-east-1',
  });
});

t.test('everything that Kong Mesh documents is taken', async (t) => {
  const { config, lines } = load([
    `arn: "${ARN}"`,
    `commonName: '{{ tag "kuma.io/service" }}.mesh'`,
    'caCert: {secret: sec-1}',
    'auth: {awsCredentials: {accessKey: {secret: sec-2}, accessKeySecret: {file: key.txt}}}',
  ]);
  t.same(lines, []);
  t.hasStrict(config?.backend?.issuer, {
    commonName: 'web.mesh',
    caCert: { kind: 'secret', name: 'sec-1' },
    credentials: {
      accessKey: { kind: 'secret', name: 'sec-2' },
      accessKeySecret: { kind: 'file', path: '/srv/key.txt' },
    },
  });
});

for (const [name, conf, problem] of [
  ['no ARN', ['commonName: x'], 'mesh.yaml:8: mtls.backends[0].conf.arn: missing: expected the ARN of a private CA'],
  [
    'something else',
    ['arn: ca-1'],
    'mesh.yaml:9: mtls.backends[0].conf.arn: expected the ARN of a private CA, got "ca-1"',
  ],
  [
    'the ARN of a certificate',
    [`arn: ${ARN}/certificate/1`],
    'mesh.yaml:9: mtls.backends[0].conf.arn: expected the ARN of a private CA, got ',
  ],
  [
    'the ARN of the documentation',
    [`arn: arn:aws:acm-pca:region:account:certificate-authority/${ID}`],
    'mesh.yaml:9: mtls.backends[0].conf.arn: there is no region "region" with an account "account" in AWS',
  ],
  [
    'half of the credentials',
    [`arn: ${ARN}`, 'auth: {awsCredentials: {accessKey: {secret: s}}}'],
    'mesh.yaml:10: mtls.backends[0].conf.auth.awsCredentials.accessKeySecret: missing: an access key and its secret',
  ],
  [
    'an unknown tag',
    [`arn: ${ARN}`, `commonName: '{{ tag "kuma.io/servce" }}'`],
    'mesh.yaml:10: mtls.backends[0].conf.commonName: this agent has no tag',
  ],
] as const) {
  t.test(`${name} is refused with its line`, async (t) => {
    const { config, lines } = load(conf);
    t.equal(config, undefined);
    t.match(lines[0], problem);
  });
}

t.test('the ARN of the documentation does no harm beside the backend in use', async (t) => {
  const other = `{name: b, type: acmpca, conf: {arn: "arn:aws:acm-pca:region:account:certificate-authority/${ID}"}}`;
  const { config, lines } = loadText(
    `type: Mesh\nname: default\nmtls: {enabledBackend: a, backends: [{name: a, type: builtin}, ${other}]}\n`,
  );
  t.ok(config, lines.join('\n'));
});
