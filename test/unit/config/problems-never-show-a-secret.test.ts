import t from 'tap';
import { BUILTIN_MESH, loadText } from './load-text.ts';

const TOKEN = 'hvs.CAESIJ7hT0kenThatNobodyMaySee';
const LONG = `SuperSecretTokenOfLettersAloneThatLooksLikeAWordButIsNone`;
const WORD = 'correcthorsebatterystaple';
const KEY = '-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0\\n-----END PRIVATE KEY-----\\n';

const mesh = (fromCp: string) =>
  `type: Mesh\nname: default\nmtls:\n  enabledBackend: a\n  backends:\n  - name: a\n    type: vault\n    conf:\n      fromCp:\n        address: https://vault:8200\n${fromCp}`;

/** A secret right where it belongs, beside a mistake; and in each place where a slip of the pen can put it. */
const PLACES = [
  (secret: string) => mesh(`        auth: {token: {inlineString: "${secret}"}, jwt: {role: x}}\n`),
  (secret: string) => mesh(`        auth: {token: {inline: "${secret}"}}\n`),
  (secret: string) => mesh(`        auth: {token: {inline: ["${secret}"]}}\n`),
  (secret: string) => mesh(`        auth: {token: {inlineString: {"${secret}": 1}}}\n`),
  (secret: string) => mesh(`        auth: {token: {secret: "${secret}/x"}}\n`),
  (secret: string) => mesh(`        auth: {token: {file: "${secret}\\n"}}\n`),
  (secret: string) => mesh(`        auth: {token: {"${secret}": }}\n`),
  (secret: string) => mesh(`        auth: {token: "${secret}"}\n`),
  (secret: string) => mesh(`        auth: {token: ["${secret}"]}\n`),
  (secret: string) => mesh(`        auth: {"${secret}": }\n`),
  (secret: string) => mesh(`        auth: "${secret}"\n`),
  (secret: string) => mesh(`        auth: {kubernetes: {role: x, audience: ["${secret}"]}}\n`),
  (secret: string) => mesh(`        auth: {tls: {clientKey: "${secret}"}}\n`),
  (secret: string) => mesh(`        auth: {tls: {clientKey: {file: "${secret}\\n"}}}\n`),
  (secret: string) => mesh(`        auth: {token: {inlineString: "${secret}}}\n`),
  (secret: string) => mesh(`        auth: {token: {inlineString: ${secret}: x}}\n`),
  (secret: string) => mesh(`        auth:\n          token:\n            inline: @${secret}\n`),
  (secret: string) => mesh(`        auth:\n          token:\n            inline: !${secret} x\n`),
  (secret: string) => mesh(`        auth:\n          token:\n            inline: *${secret}\n`),
  (secret: string) => mesh(`        auth:\n          token:\n            ${secret}: 1\n            ${secret}: 2\n`),
  (secret: string) => mesh(`        auth:\n          token:\n          - ${secret}\n         - x\n`),
  (secret: string) => mesh(`        tls: "${secret}"\n`),
  (secret: string) => mesh(`        caChain: "${secret}"\n`),
  (secret: string) => mesh(`        address: "https://me:${secret}@vault"\n`),
  (secret: string) => `${BUILTIN_MESH}---\n${secret}\n`,
  (secret: string) =>
    `type: Mesh\nname: default\nmtls: {backends: [{name: a, type: provided, conf: {key: "${secret}", cert: {inline: "${secret}", file: x}}}]}\n`,
  (secret: string) =>
    `type: Mesh\nname: default\nmtls: {backends: [{name: a, type: acmpca, conf: {auth: {awsCredentials: {accessKeySecret: "${secret}"}}}}]}\n`,
];

for (const [name, secret] of Object.entries({ TOKEN, LONG, WORD, KEY })) {
  t.test(`a ${name.toLowerCase()} of ${secret.length} bytes`, async (t) => {
    for (const [index, place] of PLACES.entries()) {
      const text = place(secret);
      const { lines } = loadText(text);
      t.not(lines.length, 0, `place ${index} is worth a word`);
      t.notOk(
        lines.some((line) => secret.split('\\n').some((part) => part !== '' && line.includes(part.slice(0, 24)))),
        lines.join('\n'),
      );
    }
  });
}
