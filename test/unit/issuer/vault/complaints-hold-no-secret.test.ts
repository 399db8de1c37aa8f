import t from 'tap';
import { complaintOf } from '../../../../src/issuer/vault/complaint.ts';

const say = (errors: readonly string[], ...secrets: string[]) => complaintOf({ errors }, '', secrets);

t.test("Vault's errors become one line", async (t) => {
  t.equal(say(['role requires keys of type rsa']), 'role requires keys of type rsa');
  t.equal(
    say(['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n']),
    'permission denied; invalid token',
  );
  t.equal(say(['a', 'b\nc']), 'a; b c');
  t.equal(say([]), '');
});

t.test('what the call sent is struck out, also when only a part is quoted', async (t) => {
  const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWIifQ.c2lnbmF0dXJl';
  t.equal(say([`cannot parse "${jwt}"`], jwt), 'cannot parse "[redacted]"');
  t.equal(say(['bad segment eyJzdWIiOiJ3ZWIifQ'], jwt), 'bad segment [redacted]');
  const pem = '-----BEGIN X-----\nMIHvMIGWAgEAMAAwWTAT\nBgcqhkjOPQIBBggqhkjO\n-----END X-----\n';
  t.equal(say([JSON.stringify({ csr: pem })], pem).match(/MIHv|Bgcq/), null);
  t.equal(say(['token my-own-token is bad'], 'my-own-token'), 'token [redacted] is bad');
});

t.test('tokens and JWTs of others are struck out by their shape', async (t) => {
  t.equal(say(['a hvs.CAESIJ7LhNTuoDr1PFDdN4bDfRHyFwwFZFQ4 b']), 'a [redacted] b');
  t.equal(say(['a s.abcdefghijklmnopqrstuvwx b']), 'a [redacted] b');
  t.equal(say(['a eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWIifQ. b']), 'a [redacted] b');
});

t.test('an answer of something else gives its first line without markup, bounded', async (t) => {
  t.equal(complaintOf(undefined, '<html>\n<h1>502 Bad Gateway</h1>\nnginx', []), '502 Bad Gateway');
  t.equal(complaintOf(undefined, `\u001b[31m${'x'.repeat(1000)}`, []).length, 300);
  t.equal(complaintOf(undefined, '\u001b[31mred', []), '[31mred');
  t.equal(say(['a\u0007b']), 'a b');
  t.equal(complaintOf({ sealed: true }, '{"sealed":true}', []), '');
});
