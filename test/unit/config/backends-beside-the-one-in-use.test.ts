import t from 'tap';
import { loadText } from './load-text.ts';

const mesh = (backends: string) => `type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  backends:\n${backends}`;

t.test('a way to log in to Vault that is not supported loads where it is not used', async (t) => {
  const conf = '{fromCp: {address: "https://vault:8200", auth: {aws: {type: EC2}}}}';
  const { config, lines } = loadText(mesh(`  - {name: a, type: builtin}\n  - {name: b, type: vault, conf: ${conf}}\n`));
  t.ok(config, lines.join('\n'));
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
  const { lines } = loadText('type: Mesh\nname: default\nmtls: {backends: [{type: builtin}]}\n');
  t.same(lines, ['mesh.yaml:3: mtls.backends[0].name: missing: expected a name']);
});
