import t from 'tap';
import { describeCallers } from '../../../src/envoy/callers.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';

const spiffeId = new SpiffeId('default', '/web');

/** As Envoy does it: the text of the name itself, by `exact` or `prefix`. */
function mayCall(allow: readonly string[], name: string): boolean {
  const matchers = describeCallers({ allow, spiffeId }) as { matcher: { exact?: string; prefix?: string } }[];
  return matchers.some(({ matcher: { exact, prefix } }) =>
    prefix === undefined ? name === exact : name.startsWith(prefix),
  );
}

t.test('an exact name lets in itself alone', async (t) => {
  const allow = ['spiffe://default/batch'];
  t.ok(mayCall(allow, 'spiffe://default/batch'));
  t.notOk(mayCall(allow, 'spiffe://default/batch-jobs'));
  t.notOk(mayCall(allow, 'spiffe://default/batch/nightly'));
});

t.test('a prefix lets in what is below it, and no longer name', async (t) => {
  const allow = ['spiffe://default/batch/*'];
  t.ok(mayCall(allow, 'spiffe://default/batch/nightly'));
  t.ok(mayCall(allow, 'spiffe://default/batch/nightly/1'));
  t.notOk(mayCall(allow, 'spiffe://default/batch'));
  t.notOk(mayCall(allow, 'spiffe://default/batch-jobs/nightly'));
  t.notOk(mayCall(allow, 'spiffe://default/other/batch/nightly'));
});

t.test('several: any of them', async (t) => {
  const allow = ['spiffe://default/frontend', 'spiffe://default/batch/*'];
  t.ok(mayCall(allow, 'spiffe://default/frontend'));
  t.ok(mayCall(allow, 'spiffe://default/batch/1'));
  t.notOk(mayCall(allow, 'spiffe://default/web'));
});

t.test('none: the whole trust domain, and no other that begins like it', async (t) => {
  t.ok(mayCall([], 'spiffe://default/any/where'));
  t.notOk(mayCall([], 'spiffe://default.example/any/where'));
});
