import t from 'tap';
import { readIdentityTemplate } from '../../../src/signer/identity-template.ts';

const web = { namespace: 'shop', serviceAccount: 'web', pod: undefined };

t.test('templates that tell service accounts apart are taken', async (t) => {
  const render = (template: string, isOneNamespace = false) =>
    readIdentityTemplate('example.org', template, isOneNamespace).render(web).toString();
  t.equal(render('/ns/{namespace}/sa/{serviceAccount}'), 'spiffe://example.org/ns/shop/sa/web');
  t.equal(render('/{namespace}/{service}'), 'spiffe://example.org/shop/web');
  t.equal(render('/k8s/x-{namespace}-y/{serviceAccount}'), 'spiffe://example.org/k8s/x-shop-y/web');
  t.equal(render('/{service}', true), 'spiffe://example.org/web');
  t.equal(readIdentityTemplate('a', '/{namespace}/{service}/{pod}', false).needsPod, true);
});

t.test('templates that do not, or that nothing proves, are refused in words', async (t) => {
  const refused: readonly [template: string, why: RegExp, isOneNamespace?: boolean][] = [
    ['/{service}', /in two namespaces would have one identity/],
    ['/sa/{serviceAccount}', /in two namespaces/],
    ['/ns/{namespace}', /all service accounts would have one identity/],
    ['/ns/{namespace}/pod/{pod}', /all service accounts would have one identity/],
    ['/static', /all service accounts/, true],
    ['/{namespace}-{serviceAccount}', /two placeholders in the segment/],
    ['/{namespace}/{serviceAccount}/{tag.version}', /proves \{tag\.version\}/],
    ['/{namespace}/{serviceAccount}/{host}', /proves \{host\}/],
    ['{namespace}/{serviceAccount}', /not a SPIFFE ID/],
    ['/{namespace}/{serviceAccount}/', /not a SPIFFE ID/],
    ['/{namespace}/{serviceAccount}/a b', /not a SPIFFE ID/],
  ];
  for (const [template, message, isOneNamespace = false] of refused) {
    t.throws(
      () => readIdentityTemplate('default', template, isOneNamespace),
      { code: 'ERR_CONFIG', message },
      template,
    );
  }
});

t.test('no two service accounts have one identity', async (t) => {
  const { render } = readIdentityTemplate('default', '/{namespace}/{serviceAccount}', false);
  const names = ['a', 'a-b', 'b', 'a.b', 'b.a', 'a-b-c'];
  const all = names.flatMap((namespace) =>
    names.map((serviceAccount) => render({ namespace, serviceAccount, pod: undefined }).toString()),
  );
  t.equal(new Set(all).size, names.length ** 2);
});
