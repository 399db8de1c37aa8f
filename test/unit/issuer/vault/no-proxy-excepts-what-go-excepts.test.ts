import t from 'tap';
import { isExcepted } from '../../../../src/issuer/vault/proxy/is-excepted.ts';

/** Compared with http.ProxyFromEnvironment of Go 1.26, case by case. */
const CASES: readonly (readonly [exceptions: string, excepted: readonly string[], proxied: readonly string[]])[] = [
  [
    '',
    [
      'https://localhost:8200',
      'http://localhost',
      'https://127.0.0.1:8200',
      'https://127.8.9.10:8200',
      'https://[::1]:8200',
    ],
    ['https://vault.test', 'https://localhost.test', 'https://10.0.0.1', 'https://[fe80::1]'],
  ],
  ['*', ['https://vault.test', 'https://10.0.0.1:8200', 'https://[fe80::1]'], []],
  ['other.test,*', ['https://vault.test'], []],
  [
    'vault.test',
    ['https://vault.test', 'https://vault.test:8200', 'https://a.vault.test', 'https://a.b.vault.test'],
    ['https://test', 'https://myvault.test', 'https://vault.test.org'],
  ],
  ['.vault.test', ['https://a.vault.test'], ['https://vault.test', 'https://avault.test']],
  ['*.vault.test', ['https://a.vault.test'], ['https://vault.test', 'https://avault.test']],
  ['*vault.test', [], ['https://vault.test', 'https://avault.test']],
  [' VAULT.Test , other.test', ['https://vault.test', 'https://other.test:8200'], ['https://third.test']],
  ['vault.test:8200', ['https://vault.test:8200', 'https://a.vault.test:8200'], ['https://vault.test']],
  ['vault.test:443', ['https://vault.test'], ['https://vault.test:8200', 'http://vault.test']],
  ['vault.test:80', ['http://vault.test'], ['https://vault.test']],
  ['10.0.0.1', ['https://10.0.0.1', 'https://10.0.0.1:8200'], ['https://10.0.0.11', 'https://x.10.0.0.1.test']],
  ['10.0.0.1:8200', ['https://10.0.0.1:8200'], ['https://10.0.0.1']],
  ['10.1.2.3/8', ['https://10.255.0.1:8200'], ['https://11.0.0.1', 'https://vault.test']],
  ['10.0.0.0/99,10.0.0.0/x', [], ['https://10.0.0.1']],
  ['fe80::1', ['https://[fe80::1]:8200', 'https://[fe80:0::1]'], ['https://[fe80::2]']],
  ['[fe80::1]:8200', ['https://[fe80::1]:8200'], ['https://[fe80::1]']],
  ['2001:db8::/32', ['https://[2001:db8:1::1]:8200'], ['https://[2001:db9::1]', 'https://10.0.0.1']],
  [',,:8200, :', [], ['https://vault.test:8200']],
];

for (const [exceptions, excepted, proxied] of CASES) {
  t.test(`NO_PROXY=${exceptions}`, async (t) => {
    for (const url of excepted) t.ok(isExcepted(exceptions, new URL(url)), `${url} is asked directly`);
    for (const url of proxied) t.notOk(isExcepted(exceptions, new URL(url)), `${url} is asked through the proxy`);
  });
}

t.test('a proxy for everything has no exceptions', async (t) => {
  t.notOk(isExcepted(undefined, new URL('https://127.0.0.1:8200')));
});
