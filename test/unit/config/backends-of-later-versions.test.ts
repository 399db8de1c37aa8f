import t from 'tap';
import { loadText } from './load-text.ts';

const mesh = (backends: string) => `type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  backends:\n${backends}`;

for (const [type, conf] of [
  ['acmpca', '{arn: "arn:x", caCert: {secret: c}}'],
  ['certmanager', '{issuerRef: {name: x}}'],
] as const) {
  t.test(`${type} loads beside the backend in use, with a warning`, async (t) => {
    const { config, lines } = loadText(
      mesh(`  - {name: a, type: builtin}\n  - {name: b, type: ${type}, conf: ${conf}}\n`),
    );
    t.same(config?.supportedBackends, ['a', 'b']);
    t.same(lines, [
      'mesh.yaml:5: warning: mtls.backends: this version leaves the CA of a backend that is not enabled (b) out of the trust bundle',
    ]);
  });

  t.test(`${type} is refused where it is enabled`, async (t) => {
    const { config, lines } = loadText(mesh(`  - {name: a, type: ${type}, conf: ${conf}}\n`));
    t.equal(config, undefined);
    t.same(lines, [
      `mesh.yaml:6: mtls.backends[0].type: ${type} is not in this version yet; enable a backend of type builtin, provided, vault`,
    ]);
  });

  t.test(`mistakes in ${type} are found, enabled or not`, async (t) => {
    const { lines } = loadText(mesh(`  - {name: a, type: builtin}\n  - {name: b, type: ${type}, conf: {cet: 1}}\n`));
    t.match(lines[1], 'mesh.yaml:7: mtls.backends[1].conf.cet: unknown key');
  });
}

t.test('a way to log in to Vault that is not supported loads where it is not used', async (t) => {
  const conf = '{fromCp: {address: "https://vault:8200", auth: {aws: {type: EC2}}}}';
  const { config, lines } = loadText(mesh(`  - {name: a, type: builtin}\n  - {name: b, type: vault, conf: ${conf}}\n`));
  t.ok(config, lines.join('\n'));
  t.equal(lines.length, 1);
});

t.test('an RSA key of the embedded CA has at least 2048 bits', async (t) => {
  const builtin = (conf: string) => mesh(`  - {name: a, type: builtin, conf: ${conf}}\n`);
  t.hasStrict(loadText(builtin('{caCert: {RSAbits: 2048}}')).config?.backend?.issuer, { rsaBits: 2048 });
  for (const bits of ['1024', '2048.5', '"2048"', '100000']) {
    t.match(loadText(builtin(`{caCert: {RSAbits: ${bits}}}`)).lines, [
      /mesh\.yaml:6: mtls\.backends\[0\]\.conf\.caCert\.RSAbits: expected a whole number from 2048 to 8192, got /,
    ]);
  }
});

t.test('a backend without a name is not the one that nobody enabled', async (t) => {
  const { lines } = loadText('type: Mesh\nname: default\nmtls: {backends: [{type: acmpca}]}\n');
  t.same(lines, ['mesh.yaml:3: mtls.backends[0].name: missing: expected a name']);
});
