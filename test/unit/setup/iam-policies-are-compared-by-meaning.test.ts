import t from 'tap';
import { comparePolicies } from '../../../src/setup/acmpca/compare-policies.ts';

const WANTED = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'Order',
      Effect: 'Allow',
      Action: 'acm-pca:IssueCertificate',
      Resource: 'ca',
      Condition: { StringEquals: { a: 'b' } },
    },
    { Sid: 'Look', Effect: 'Allow', Action: ['acm-pca:GetCertificate', 'acm-pca:Describe'], Resource: 'ca' },
  ],
};
const [ORDER, LOOK] = WANTED.Statement;

t.test('what makes no difference to IAM makes none', async (t) => {
  const same = {
    Statement: [
      { Resource: ['ca'], Action: ['acm-pca:Describe', 'acm-pca:GetCertificate'], Effect: 'Allow' },
      { Condition: { StringEquals: { a: ['b'] } }, ...ORDER, Sid: 'Other', Action: ['acm-pca:IssueCertificate'] },
    ],
    Version: '2012-10-17',
  };
  t.same(comparePolicies(same, WANTED), []);
  t.same(comparePolicies({ Statement: LOOK }, { Statement: [LOOK] }), [], 'one statement need not be in a list');
});

for (const { title, statements } of [
  { title: 'another resource', statements: [ORDER, { ...LOOK, Resource: '*' }] },
  { title: 'another effect', statements: [ORDER, { ...LOOK, Effect: 'Deny' }] },
  { title: 'one action more', statements: [ORDER, { ...LOOK, Action: [...(LOOK?.Action ?? []), 'acm-pca:*'] }] },
  { title: 'no condition', statements: [{ ...ORDER, Condition: {} }, LOOK] },
]) {
  t.test(`${title} is a difference, told from both sides`, async (t) => {
    const told = comparePolicies({ Statement: statements }, WANTED);
    t.match(told, [/^it lacks \{/, /^it also says \{/]);
    t.equal(told.length, 2);
  });
}

t.test('a statement too few, one too many, and what is no policy', async (t) => {
  t.match(comparePolicies({ Statement: [ORDER] }, WANTED), [/^it lacks .*acm-pca:GetCertificate/]);
  t.match(comparePolicies({ Statement: [ORDER, LOOK, { Effect: 'Allow' }] }, WANTED), [
    /^it also says \{"Effect":"Allow"\}$/,
  ]);
  for (const none of [{}, null, 'text']) {
    t.ok(comparePolicies(none, WANTED).length >= 2, JSON.stringify(none));
  }
});
