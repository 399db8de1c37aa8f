import { execFileSync } from 'node:child_process';
import t from 'tap';
import { quoteForShell } from '../../../src/issuer/vault/shell.ts';

t.test('a shell reads each word as it was', async (t) => {
  const words = ['plain', 'a b', "it's", '$HOME', '`id`', 'spiffe://default/*', '~', '', 'a\nb', '"', '\\', '!x', '#x'];
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`], { encoding: 'utf8' });
  t.same(said.split('\0').slice(0, -1), words);
  t.equal(quoteForShell('max_ttl=24h'), 'max_ttl=24h', 'what needs no quotes has none');
});
