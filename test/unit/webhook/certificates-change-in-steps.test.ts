import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { planStep, type StoredCertificates, takeStep } from '../../../src/webhook/certificate-plan.ts';
import { makePair } from '../../../src/webhook/make-pair.ts';

const START_MS = Date.UTC(2026, 0, 1);
const DAY_SECONDS = 86_400;
const ttlSeconds = 10 * DAY_SECONDS;
const hosts = ['meshcert-webhook.meshcert.svc', '127.0.0.1'];
const at = (days: number) => START_MS + days * DAY_SECONDS * 1000;

const make = (days: number) => makePair({ hosts, ttlSeconds, nowMs: at(days) });
const plan = (stored: StoredCertificates | undefined, days: number, isPublished = true) =>
  planStep(stored, { nowMs: at(days), hosts, isPublished });
const take = async (kind: 'make' | 'prepare' | 'switch', stored: StoredCertificates | undefined, days: number) =>
  takeStep(kind, stored, kind === 'switch' ? undefined : await make(days), { nowMs: at(days), ttlSeconds });
const countCas = ({ cas }: StoredCertificates) => cas.match(/BEGIN CERTIFICATE/g)?.length;

const first = await take('make', undefined, 0);

t.test('a pair is what API servers ask for', async (t) => {
  const { certificate, ca } = await make(0);
  const [leaf, issuer] = [new X509Certificate(certificate), new X509Certificate(ca)];
  t.ok(leaf.checkHost('meshcert-webhook.meshcert.svc'));
  t.ok(leaf.checkIP('127.0.0.1'));
  t.ok(leaf.verify(issuer.publicKey) && leaf.checkIssued(issuer));
  t.notOk(leaf.ca);
  t.match(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
});

t.test('the first is made at once, and kept for 4/5 of its life', async (t) => {
  t.match(plan(undefined, 0), { kind: 'make' });
  t.same(plan(first, 1), { kind: 'keep', untilMs: at(8) });
  t.match(plan(first, 8.1), { kind: 'prepare' });
});

t.test('the next one is told first, then served', async (t) => {
  const prepared = await take('prepare', first, 8);
  t.equal(prepared.certificate, first.certificate, 'the old one is still served');
  t.equal(countCas(prepared), 2);
  t.match(plan(prepared, 8), { kind: 'keep' }, 'its CA gets around');
  t.match(plan(prepared, 8.1, false), { kind: 'keep' }, 'nobody knows it yet');
  t.match(plan(prepared, 8.1), { kind: 'switch' });
  t.match(plan(prepared, 10.1, false), { kind: 'switch' }, 'there is nothing to lose');

  const switched = await take('switch', prepared, 8.1);
  t.equal(switched.certificate, prepared.next?.certificate);
  t.equal(switched.next, undefined);
  t.equal(countCas(switched), 2, 'replicas that have not switched are believed');
  t.equal(countCas(await take('prepare', switched, 16.1)), 2, 'what has ended is taken out');
});

t.test('what cannot be served is replaced', async (t) => {
  t.match(plan(first, 10.1), { kind: 'make' }, 'expired');
  t.match(plan({ ...first, key: (await make(0)).key }, 1), { kind: 'make' }, 'the key of another');
  t.match(plan({ ...first, certificate: 'torn' }, 1), { kind: 'make' }, 'damaged');
  t.match(planStep(first, { nowMs: at(1), hosts: [...hosts, 'other.svc'], isPublished: true }), { kind: 'make' });
  const prepared = await take('prepare', first, 8);
  const torn = { ...prepared, next: { certificate: 'torn', key: 'torn', fromMs: at(8) } };
  t.match(plan(torn, 8.1), { kind: 'make' });
  t.equal(countCas(await take('make', prepared, 9)), 3, 'those in service are believed until they end');
});
