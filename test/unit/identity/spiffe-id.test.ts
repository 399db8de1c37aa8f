import t from 'tap';
import { renderSpiffeId, SpiffeId } from '../../../src/identity/spiffe-id.ts';

t.test('a SPIFFE ID follows the grammar of SPIFFE-ID section 2', async (t) => {
  for (const [trustDomain, path] of [
    ['default', '/web'],
    ['example.org', '/ns/shop/sa/web_1.2-3'],
    ['a'.repeat(255), '/...'],
  ] as const) {
    t.equal(new SpiffeId(trustDomain, path).toString(), `spiffe://${trustDomain}${path}`);
  }
});

t.test('what is none is refused with the rule that it breaks', async (t) => {
  for (const [trustDomain, path, rule] of [
    ['Default', '/web', /trust domain holds only/],
    ['', '/web', /trust domain holds only/],
    ['a:80', '/web', /trust domain holds only/],
    ['a'.repeat(256), '/web', /at most 255/],
    ['default', '', /starts with "\/"/],
    ['default', '/', /not empty/],
    ['default', 'web', /starts with "\/"/],
    ['default', '/web/', /no empty segment/],
    ['default', '//web', /no empty segment/],
    ['default', '/./web', /is not "." or ".."/],
    ['default', '/a/..', /is not "." or ".."/],
    ['default', '/we%62', /may hold only/],
    ['default', '/w b', /may hold only/],
    ['default', `/${'a'.repeat(2048)}`, /at most 2048/],
  ] as const) {
    t.throws(
      () => new SpiffeId(trustDomain, path),
      { code: 'ERR_CONFIG', message: rule },
      `${trustDomain}${path}`.slice(0, 40),
    );
  }
});

t.test('a template is filled with what is known of the workload', async (t) => {
  const values = { service: 'web', namespace: 'shop', serviceAccount: 'web-sa', pod: 'web-1', tags: { version: 'v1' } };
  const render = (template: string) => renderSpiffeId('default', template, values).path;
  t.equal(render('/{service}'), '/web');
  t.equal(render('/ns/{namespace}/sa/{serviceAccount}'), '/ns/shop/sa/web-sa');
  t.equal(render('/{pod}/{tag.version}'), '/web-1/v1');
  t.throws(() => render('/{tag.colour}'), { code: 'ERR_CONFIG', message: /\{tag.colour\} has no value/ });
  t.throws(() => render('/{servcie}'), { code: 'ERR_CONFIG', message: /\{servcie\} has no value/ });
  t.throws(() => render('/{constructor}'), { code: 'ERR_CONFIG' });
});
