import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { readCaMaterial } from '../../../src/ca/ca-material.ts';
import { AgentError } from '../../../src/errors.ts';
import { TestCa } from '../../helpers/test-ca.ts';

const ca = await TestCa.makeRoot('root');
const { certificatePem, keyPem, privateKey } = ca;
const export_ = (type: 'pkcs1' | 'sec1' | 'pkcs8', key = privateKey, passphrase?: string): string =>
  key
    .export({ format: 'pem', type, ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }) } as never)
    .toString();
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function complain(certificate: string, key: string | undefined): string {
  try {
    readCaMaterial(certificate, key, 'the CA of backend "ca-1"');
    return 'fine';
  } catch (thrown) {
    if (!(thrown instanceof AgentError)) throw thrown;
    if (thrown.code !== 'ERR_SOURCE' || thrown.line.includes('\n')) throw thrown;
    return thrown.message.replaceAll(' of the CA of backend "ca-1"', '');
  }
}

t.test('the forms that OpenSSL writes are read', async (t) => {
  t.equal(complain(certificatePem, keyPem), 'fine');
  t.equal(complain(certificatePem, export_('sec1')), 'fine');
  t.equal(complain(certificatePem, export_('pkcs1', rsaKey)), 'fine', 'whether they belong together is asked later');
  t.equal(complain(certificatePem + keyPem, undefined), 'fine', 'one file with both');
  t.equal(complain(`${keyPem}\n${certificatePem}`, undefined), 'fine', 'in either order');
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  t.equal(complain(certificatePem, parameters + export_('sec1')), 'fine', 'as openssl ecparam -genkey writes it');
  t.equal(complain(`Bag Attributes\n  friendlyName: ca\n${certificatePem.replaceAll('\n', '\r\n')}`, keyPem), 'fine');
});

t.test('what is no certificate', async (t) => {
  const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  for (const [certificate, complaint] of [
    ['', 'the certificate holds nothing instead of a certificate in PEM'],
    [' \n', 'the certificate holds nothing instead of a certificate in PEM'],
    ['MIIB', 'the certificate holds something that is no PEM instead of a certificate in PEM'],
    [ca.der.toString('latin1'), 'the certificate holds something that is no PEM instead of a certificate in PEM'],
    [keyPem, 'the certificate holds "PRIVATE KEY" instead of a certificate in PEM'],
    [
      certificatePem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      'the certificate holds "CERTIFICATE REQUEST" instead of a certificate in PEM',
    ],
    [block('AAAA'), 'the certificate is damaged: PEM block 1 holds no certificate'],
    [certificatePem + block('AAAA'), 'the certificate is damaged: PEM block 2 holds no certificate'],
    [certificatePem + block('MI*B'), 'the certificate is damaged: of 2 PEM blocks 1 can be read'],
    [certificatePem.slice(0, -40), 'the certificate is damaged: of 1 PEM blocks 0 can be read'],
    [certificatePem.slice(0, -40) + certificatePem, 'the certificate is damaged: of 2 PEM blocks 1 can be read'],
  ] as const) {
    t.equal(complain(certificate, keyPem), complaint);
  }
});

t.test('what is no key', async (t) => {
  const publicKey = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n';
  for (const [key, complaint] of [
    ['', 'the key holds nothing instead of a private key in PEM'],
    ['s3cr3t', 'the key holds something that is no PEM instead of a private key in PEM'],
    [certificatePem, 'the key holds "CERTIFICATE" instead of a private key in PEM'],
    [publicKey, 'the key holds "PUBLIC KEY" instead of a private key in PEM'],
    [keyPem + keyPem, 'the key is not clear: there are 2 private keys'],
    [keyPem.slice(0, -40), 'the key holds a damaged private key instead of a private key in PEM'],
    [keyPem.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA'), 'the key is damaged: the PEM block holds no private key'],
    [export_('pkcs8', privateKey, 'x'), 'the key is encrypted, and nobody is there to type its passphrase'],
    [export_('sec1', privateKey, 'x'), 'the key is encrypted, and nobody is there to type its passphrase'],
  ] as const) {
    t.equal(complain(certificatePem, key), complaint);
  }
  t.equal(
    complain(certificatePem, undefined),
    'the certificate, where its key is looked for, too, holds "CERTIFICATE" instead of a private key in PEM',
  );
});

t.test('no message holds anything of what was read', async (t) => {
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ';
  for (const text of [
    secret,
    `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
    keyPem + secret + keyPem,
  ]) {
    t.notMatch(complain(certificatePem, text), secret);
    t.notMatch(complain(text, keyPem), secret);
  }
});
