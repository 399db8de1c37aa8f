import t from 'tap';
import { renderReport } from '../../../src/cli/doctor-report.ts';

t.test('a line for each check, what mends it below, and who waits for it', async (t) => {
  const text = renderReport({
    mesh: 'default',
    service: 'web',
    spiffeId: 'spiffe://default/web',
    backend: 'vault-1',
    checks: [
      { check: 'address', verdict: 'pass', cause: 'https://vault.example:8200' },
      { check: 'clock', verdict: 'warn', cause: 'our clock is 12s behind', remedy: 'use NTP' },
      { check: 'role', verdict: 'fail', cause: 'there is no role', command: 'vault list pki/roles\nvault read x' },
      { check: 'role-names', verdict: 'skip', cause: 'not tried', waitsFor: 'role' },
      { check: 'trial', verdict: 'skip', cause: 'not tried', waitsFor: 'role' },
    ],
  });
  t.equal(
    text,
    `spiffe://default/web from the backend "vault-1"

ok    address     https://vault.example:8200
WARN  clock       our clock is 12s behind
      mend: use NTP
FAIL  role        there is no role
      $ vault list pki/roles
      $ vault read x
      not tried before that: role-names, trial

1 ok, 1 warned of, 1 failed, 2 not tried
`,
  );
});
