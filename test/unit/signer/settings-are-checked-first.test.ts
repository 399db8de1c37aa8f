import t from 'tap';
import { makeSettings, type SettingsInput } from '../../../src/signer/settings.ts';

const ca = { kind: 'builtin', caTtlSeconds: 1 } as const;
const INPUT: SettingsInput = {
  mesh: 'default',
  trustDomain: 'default',
  template: '/ns/{namespace}/sa/{serviceAccount}',
  allowedNamespaces: [],
  backends: [{ name: 'ca-1', ttlSeconds: 1, ca }],
  enabledBackend: 'ca-1',
};

t.test('what can be signed for is taken', async (t) => {
  t.ok(makeSettings(INPUT));
  t.ok(makeSettings({ ...INPUT, template: '/{service}', allowedNamespaces: ['shop'] }));
  const source = { kind: 'secret', name: 'x' } as const;
  const provided = { name: 'CA_1', ttlSeconds: 1, ca: { kind: 'provided', cert: source } } as const;
  t.ok(makeSettings({ ...INPUT, backends: [provided] }), 'names of provided CAs are parts of no Secret');
});

t.test('what cannot is refused in words', async (t) => {
  const refused: readonly [Partial<SettingsInput>, RegExp][] = [
    [{ backends: [] }, /has no backend that the signer could sign with/],
    [{ mesh: 'my_mesh' }, /"my_mesh" cannot be a part of a name/],
    [{ backends: [{ name: 'CA_1', ttlSeconds: 1, ca }] }, /"CA_1" cannot be a part of a name/],
    [{ template: '/{service}' }, /would have one identity/],
    [{ template: '/{service}', allowedNamespaces: ['a', 'b'] }, /would have one identity/],
    [{ trustDomain: 'Example.org' }, /not a SPIFFE ID/],
  ];
  for (const [changes, message] of refused) {
    t.throws(() => makeSettings({ ...INPUT, ...changes }), { code: 'ERR_CONFIG', message });
  }
});
