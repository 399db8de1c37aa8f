import t from 'tap';
import type { DiscoveryRequest } from '../../../../src/delivery/sds/messages.ts';
import { NO_SECRETS } from '../../../../src/delivery/sds/secrets.ts';
import { stateOfTheWorld } from '../../../../src/delivery/sds/state-of-the-world.ts';
import { makePlainSecrets, makeRequest, playProtocol } from '../../../helpers/plain-secrets.ts';

/** A client on a stream of its own. */
function open() {
  const play = playProtocol(stateOfTheWorld, ({ resources, nonce }) => [
    ...resources.map(({ value }) => value.toString()),
    `nonce ${nonce}`,
  ]);
  const toRequest = (names: readonly string[], nonce = '', more: Partial<DiscoveryRequest> = {}) =>
    makeRequest({ resourceNames: names, responseNonce: nonce, ...more });
  return {
    ...play,
    ask: (names: readonly string[], nonce?: string) => play.ask(toRequest(names, nonce)),
    reject: (names: readonly string[], nonce: string) =>
      play.reject(toRequest(names, nonce, { errorDetail: { message: 'bad key' } })),
  };
}

const ONE = makePlainSecrets({ default: '1', ROOTCA: '1' }, ['default', 'ROOTCA']);
const TWO = makePlainSecrets({ default: '2', ROOTCA: '1' }, ['default', 'ROOTCA']);

t.test('a name is answered once, and again when its content changes', async (t) => {
  const client = open();
  t.same(client.have(ONE), undefined, 'nobody has asked');
  t.same(client.ask(['default']), ['default@1', 'nonce 1']);
  t.same(client.ask(['default'], '1'), undefined, 'an acknowledgement is not answered');
  t.same(client.have(ONE), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 2']);
});

t.test('what has not changed is not sent', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.ask(['ROOTCA']), ['ROOTCA@1', 'nonce 1']);
  t.same(client.have(TWO), undefined);
});

t.test('a name that is not there yet is remembered', async (t) => {
  const early = open();
  t.same(early.ask(['default']), undefined, 'before the first generation');
  t.same(early.have(ONE), ['default@1', 'nonce 1']);
  const strange = open();
  strange.have(ONE);
  t.same(strange.ask(['strange']), undefined, 'a name that nobody knows');
  t.same(strange.have(makePlainSecrets({ strange: '7' })), ['strange@7', 'nonce 1']);
});

t.test('a first request is answered, whatever it brings from an earlier stream', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.ask(['default'], '17'), ['default@1', 'nonce 1']);
});

t.test('a changed list rides on an acknowledgement', async (t) => {
  const client = open();
  client.have(ONE);
  client.ask(['default']);
  t.same(client.ask(['default', 'ROOTCA'], '1'), ['ROOTCA@1', 'nonce 2']);
  t.same(client.ask(['ROOTCA'], '2'), undefined);
  t.same(client.have(TWO), undefined, 'a name that was taken back is not sent');
  t.same(client.ask(['ROOTCA', 'default'], '2'), ['default@2', 'nonce 3'], 'asked for again, it is');
});

t.test('a stale nonce is ignored', async (t) => {
  const client = open();
  client.have(ONE);
  client.ask(['default']);
  client.have(TWO);
  t.same(client.ask(['ROOTCA'], '1'), undefined);
  t.equal(client.reject(['default'], '1'), undefined, 'and is no rejection of what came after');
  t.same([...client.subscription().names], ['default']);
});

t.test('what is rejected is told once, and sent again when it changes', async (t) => {
  const client = open();
  client.have(ONE);
  client.ask(['default']);
  t.equal(client.reject(['default'], '1'), 'bad key');
  t.same(client.respond(), undefined, 'not answered');
  t.equal(client.reject(['default'], '1'), undefined, 'told once');
  t.same(client.respond(), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 2']);
  t.equal(client.reject(['default'], '2'), 'bad key');
});

t.test('nothing named: everything; nothing named any more: nothing', async (t) => {
  const client = open();
  client.have(ONE);
  t.same(client.ask([]), ['default@1', 'ROOTCA@1', 'nonce 1']);
  t.same(client.ask([], '1'), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 2'], 'still everything');
  client.ask(['default'], '2');
  t.same(client.ask([], '2'), undefined);
  t.same(client.have(makePlainSecrets({ default: '3', ROOTCA: '3' }, ['default', 'ROOTCA'])), undefined);
  const star = open();
  star.have(ONE);
  t.same(star.ask(['*']), ['default@1', 'ROOTCA@1', 'nonce 1']);
});

t.test('an expired identity is not taken back, and not given to newcomers', async (t) => {
  const client = open();
  client.have(ONE);
  client.ask(['default']);
  t.same(client.have(NO_SECRETS), undefined);
  t.same(client.have(TWO), ['default@2', 'nonce 2']);
  const late = open();
  late.have(NO_SECRETS);
  t.same(late.ask(['default']), undefined);
  t.same(late.have(TWO), ['default@2', 'nonce 1']);
});
