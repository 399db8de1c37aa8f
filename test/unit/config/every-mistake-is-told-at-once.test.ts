import t from 'tap';
import { loadText } from './load-text.ts';

t.test(
  'all mistakes of several documents, in their order, each with its line, key, expectation and hint',
  async (t) => {
    const { config, lines } = loadText(`apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata:
  name: default
spec:
  mtls:
    enabledBackend: vault-2
    enabledBackends: vault-1
    backends:
      - name: vault-1
        type: valt
        mode: strict
        dpCert:
          rotation:
            expiry: 1d
            expiration: 30
      - name: vault-1
        type: vault
        conf:
          fromCp:
            adress: https://vault:8200
            tls: {skipVerify: "yes"}
            auth:
              kubernetes: {role: web, audience: 5}
      - type: builtin # without a name
        conf: {caCert: {RSAbits: 1024, expiration: soon}}
      - 7
      - {name: vault-1, type: provided}
---
type: Agent
mesh: dfault
service: web/é
kyeType: auto
deliver:
  files:
  - {directory: a, keyMode: 0640, group: "12"}
  - {directory: ./a}
rotation: {jitter: 3%}
telemetry: {address: ":9902"}
`);
    t.equal(config, undefined);
    const at = 'spec.mtls.backends';
    t.same(lines, [
      'mesh.yaml:7: spec.mtls.enabledBackend: expected the name of a backend (vault-1), got "vault-2"; did you mean "vault-1"?',
      'mesh.yaml:8: spec.mtls.enabledBackends: unknown key; did you mean "enabledBackend"?',
      `mesh.yaml:11: ${at}[0].type: expected one of builtin, provided, vault, acmpca, certmanager, kubernetes, got "valt"; did you mean "vault"?`,
      `mesh.yaml:12: ${at}[0].mode: expected one of STRICT, PERMISSIVE, got "strict"; did you mean "STRICT"?`,
      `mesh.yaml:15: ${at}[0].dpCert.rotation.expiry: unknown key; did you mean "expiration"?`,
      `mesh.yaml:16: ${at}[0].dpCert.rotation.expiration: expected a duration, got a number; write it with its unit: 30s, 24h, 30d`,
      `mesh.yaml:17: ${at}[1].name: the name "vault-1" is taken by another backend`,
      `mesh.yaml:20: ${at}[1].conf.fromCp.address: missing; write it like https://vault.example:8200`,
      `mesh.yaml:21: ${at}[1].conf.fromCp.adress: unknown key; did you mean "address"?`,
      `mesh.yaml:22: ${at}[1].conf.fromCp.tls.skipVerify: expected true or false, got text`,
      `mesh.yaml:24: ${at}[1].conf.fromCp.auth.kubernetes.audience: expected text, got a number; put it in quotes`,
      `mesh.yaml:25: ${at}[2].name: missing: expected a name`,
      `mesh.yaml:26: ${at}[2].conf.caCert.RSAbits: expected a whole number from 2048 to 8192, got 1024`,
      `mesh.yaml:26: ${at}[2].conf.caCert.expiration: expected a duration, but "soon" is not a duration; write it like 30s, 90m, 24h, 1h30m, 30d`,
      `mesh.yaml:27: ${at}[3]: expected a backend (name, type, conf), got a number`,
      `mesh.yaml:28: ${at}[4].conf.cert: missing: expected where the certificate of the CA is; write it like {secret: NAME} or {file: PATH}`,
      `mesh.yaml:28: ${at}[4].conf.key: missing: expected where the private key of the CA is; write it like {secret: NAME} or {file: PATH}`,
      `mesh.yaml:28: ${at}[4].name: the name "vault-1" is taken by another backend`,
      'mesh.yaml:31: mesh: expected the name of a Mesh that is given ("default"), got "dfault"; did you mean "default"?',
      'mesh.yaml:32: service: "spiffe://default/web/é" is not a SPIFFE ID of a workload: the segment "é" may hold only letters, digits, ".", "-" and "_", and is not "." or ".."',
      'mesh.yaml:33: kyeType: unknown key; did you mean "keyType"?',
      'mesh.yaml:36: deliver.files[0].keyMode: expected permission bits in quotes: YAML reads bare digits as decimal; write four octal digits in quotes, such as "0640"',
      'mesh.yaml:36: deliver.files[0].group: expected a whole number from 0 to 4294967294, got text',
      'mesh.yaml:37: deliver.files[1].directory: another entry has the directory "/srv/a", too',
      'mesh.yaml:38: rotation.jitter: expected at most 2%, got "3%"; a longer delay would eat the time that is left to try again',
      'mesh.yaml:39: telemetry.address: expected host:port, got ":9902"; for every interface, write 0.0.0.0:9902',
    ]);
  },
);

t.test('mistakes in several files', async (t) => {
  const { lines } = loadText('', {
    sources: [
      { file: 'b.yaml', text: '\n\ntype: Agent\nfoo: 1\n' },
      { file: 'a.yaml', text: 'type: Mesh\nname: default\nmtls: {backend: x}\n' },
    ],
  });
  t.match(lines, [/^b\.yaml:4: foo: unknown key/, /^a\.yaml:3: mtls\.backend: unknown key; did you mean "backends"\?/]);
});
