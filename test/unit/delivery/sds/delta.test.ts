import t from 'tap';
import { delta } from '../../../../src/delivery/sds/delta.ts';
import { NO_SECRETS } from '../../../../src/delivery/sds/secrets.ts';
import { makeDeltaRequest, makePlainSecrets, playProtocol } from '../../../helpers/plain-secrets.ts';

/** A client on a stream of its own. */
function open() {
  const play = playProtocol(delta, ({ resources, removedResources, nonce }) => [
    ...resources.map(({ name, version }) => `${name}@${version}`),
    ...removedResources.map((name) => `${name} removed`),
    `nonce ${nonce}`,
  ]);
  return {
    ...play,
    ask: (request: Parameters<typeof makeDeltaRequest>[0]) => play.ask(makeDeltaRequest(request)),
    add: (...names: string[]) => play.ask(makeDeltaRequest({ resourceNamesSubscribe: names })),
    drop: (...names: string[]) => play.ask(makeDeltaRequest({ resourceNamesUnsubscribe: names })),
    reject: (nonce: string) =>
      play.reject(makeDeltaRequest({ responseNonce: nonce, errorDetail: { message: 'bad key' } })),
  };
}

const ONE = makePlainSecrets({ default: '1', ROOTCA: '1' }, ['default', 'ROOTCA']);
const TWO = makePlainSecrets({ default: '2', ROOTCA: '1' }, ['default', 'ROOTCA']);

t.test('names come and go; only what has changed is sent', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.add('default'), ['default@1', 'nonce 1']);
  t.same(client.ask({ responseNonce: '1' }), undefined, 'an acknowledgement is not answered');
  t.same(client.add('ROOTCA'), ['ROOTCA@1', 'nonce 2']);
  t.same(client.have(TWO), ['default@2', 'nonce 3']);
  t.same(client.drop('default'), undefined);
  t.same(client.have(makePlainSecrets({ default: '3', ROOTCA: '3' })), ['ROOTCA@3', 'nonce 4']);
});

t.test('who asks for a name again is answered again', async (t) => {
  const client = open();
  client.have(ONE);
  client.add('default');
  t.same(client.add('default'), ['default@1', 'nonce 2']);
});

t.test('what a client kept from an earlier stream is not sent when it is the same', async (t) => {
  const client = open();
  client.have(TWO);
  const initialResourceVersions = { default: '1', ROOTCA: '1', other: '1' };
  t.same(client.ask({ resourceNamesSubscribe: ['default', 'ROOTCA'], initialResourceVersions }), [
    'default@2',
    'nonce 1',
  ]);
});

t.test('a restarted agent takes nothing back before it has something of its own', async (t) => {
  const client = open();
  t.same(client.ask({ resourceNamesSubscribe: ['default'], initialResourceVersions: { default: '1' } }), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 1']);
});

t.test('an expired identity is removed, and its successor sent', async (t) => {
  const client = open();
  client.have(ONE);
  client.add('default', 'ROOTCA');
  t.same(client.have(NO_SECRETS), ['default removed', 'ROOTCA removed', 'nonce 2']);
  t.same(client.respond(), undefined);
  t.same(client.have(ONE), ['default@1', 'ROOTCA@1', 'nonce 3']);
});

t.test('a name that is not there yet is remembered', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.add('strange'), undefined);
  t.same(client.have(makePlainSecrets({ strange: '7' })), ['strange@7', 'nonce 1']);
});

t.test('a stale nonce says nothing, but its names count', async (t) => {
  const client = open();
  client.have(ONE);
  client.add('default');
  client.have(TWO);
  t.equal(client.reject('1'), undefined);
  t.equal(client.reject('9'), undefined);
  t.equal(client.reject(''), undefined);
  t.same(client.ask({ responseNonce: '1', resourceNamesSubscribe: ['ROOTCA'] }), ['ROOTCA@1', 'nonce 3']);
});

t.test('what is rejected is told once, and sent again when it changes', async (t) => {
  const client = open();
  client.have(ONE);
  client.add('default');
  t.equal(client.reject('1'), 'bad key');
  t.same(client.respond(), undefined);
  t.equal(client.reject('1'), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 2']);
});

t.test('nothing named at first: everything, until that is taken back', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.ask({}), ['default@1', 'ROOTCA@1', 'nonce 1']);
  t.same(client.have(TWO), ['default@2', 'nonce 2']);
  client.drop('*');
  t.same(client.have(makePlainSecrets({ default: '3' }, ['default'])), undefined);
  t.same(client.add('*'), ['default@3', 'nonce 3']);
});
