import t from 'tap';
import { findNearest } from '../../../src/config/nearest.ts';

t.test('finds what was meant', async (t) => {
  const known = ['enabledBackend', 'backends', 'expiration', 'RSAbits', 'pki', 'role', 'mode', 'keyMode', 'tls'];
  for (const [word, meant] of [
    ['enabledbackend', 'enabledBackend'],
    ['backend', 'backends'],
    ['expiry', 'expiration'],
    ['rsaBits', 'RSAbits'],
    ['rol', 'role'],
    ['rloe', 'role'],
    ['keymode', 'keyMode'],
    ['mtls', 'tls'],
  ] as const) {
    t.equal(findNearest(word, known), meant, word);
  }
});

t.test('names nothing that is far away', async (t) => {
  for (const word of ['zzz', '', 'x', 'completelyDifferent'])
    t.equal(findNearest(word, ['pki', 'role', 'a']), undefined, word);
  t.equal(findNearest('role', []), undefined);
});
