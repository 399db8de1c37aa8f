import { execFileSync } from 'node:child_process';
import t from 'tap';
import { makeCsr } from '../../../src/identity/csr.ts';
import { KEY_TYPES, makePrivateKey } from '../../../src/identity/key-pair.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';

for (const type of KEY_TYPES) {
  t.test(`a request for a key of type ${type} verifies, and holds the SPIFFE ID and nothing else`, async (t) => {
    const csr = makeCsr(new SpiffeId('default', '/ns/shop/sa/web'), await makePrivateKey(type));
    const text = execFileSync('openssl', ['req', '-inform', 'DER', '-noout', '-text', '-verify'], {
      input: csr,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const extensions = text.match(/X509v3 [^\n]*\n[^\n]*/g);
    t.equal(extensions?.length, 1);
    t.match(extensions?.[0], /Subject Alternative Name: critical\s+URI:spiffe:\/\/default\/ns\/shop\/sa\/web$/);
    t.match(text, /Subject: *\n/);
    const bits = { 'ec-p256': 256, 'ec-p384': 384, 'rsa-2048': 2048, 'rsa-3072': 3072, 'rsa-4096': 4096 }[type];
    t.match(text, new RegExp(`\\(${bits} bit\\)`));
  });
}
