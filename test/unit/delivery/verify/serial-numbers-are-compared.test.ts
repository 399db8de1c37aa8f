import t from 'tap';
import { readServedSerialNumbers } from '../../../../src/delivery/verify/envoy-certificates.ts';
import { describeLook, isServed } from '../../../../src/delivery/verify/serial-numbers.ts';

t.test('case, colons and zeros at the beginning are no difference', async (t) => {
  for (const form of ['4AF0', '4af0', '04AF0', '00:4a:f0', '4A:F0']) {
    t.ok(isServed('4AF0', { serialNumbers: ['1', form] }), form);
    t.ok(isServed(form, { serialNumbers: ['4AF0'] }), form);
  }
  for (const other of ['4AF', '4AF00', '14AF0', '', '0']) {
    t.notOk(isServed('4AF0', { serialNumbers: [other] }), other);
  }
  t.ok(isServed('0', { serialNumbers: ['00'] }));
  t.notOk(isServed('4AF0', { serialNumbers: [] }));
});

t.test('what is there instead, in a few words', async (t) => {
  t.equal(describeLook({ serialNumbers: ['4af0', '00:01'] }), 'it serves 4AF0, 1');
  t.equal(describeLook({ serialNumbers: ['1', '2', '3', '4', '5'] }), 'it serves 1, 2, 3, and 2 more');
  t.equal(describeLook({ serialNumbers: [] }), 'it serves no certificate');
  t.equal(describeLook({ serialNumbers: [], trouble: 'connection refused' }), 'connection refused');
});

t.test("leaves are read from what Envoy's admin says, whatever else it says", async (t) => {
  const leaf = (serial_number: unknown) => ({ cert_chain: [{ serial_number }, { serial_number: 'an intermediate' }] });
  t.same(readServedSerialNumbers({ certificates: [leaf('1'), { ca_cert: [{ serial_number: 'a CA' }] }, leaf('2')] }), [
    '1',
    '2',
  ]);
  for (const odd of [
    undefined,
    null,
    [],
    'x',
    {},
    { certificates: 'x' },
    { certificates: [null, 1, {}, { cert_chain: {} }, { cert_chain: [] }, { cert_chain: [null] }, leaf(1)] },
  ]) {
    t.same(readServedSerialNumbers(odd), [], JSON.stringify(odd));
  }
});
