import t from 'tap';
import { AgentError } from '../../../../src/errors.ts';
import type { VaultAnswer, VaultClient } from '../../../../src/issuer/vault/client.ts';
import { retryRequests } from '../../../../src/issuer/vault/retry-requests.ts';

type Outcome = AgentError | Pick<VaultAnswer, 'status' | 'retryAfterMs'>;

/** A Vault whose outcomes come one after the other, and the pauses between them. */
function open(outcomes: readonly Outcome[], { maxRetries = 3, stopAt = -1, random = 0 } = {}) {
  const pauses: number[] = [];
  const stop = new AbortController();
  let asked = 0;
  const client: VaultClient = {
    async request() {
      const outcome = outcomes[asked] ?? { status: 200 };
      asked += 1;
      if (outcome instanceof AgentError) throw outcome;
      return { body: undefined, complaint: '', ...outcome };
    },
    close: () => undefined,
  };
  const sleep = async (ms: number) => {
    pauses.push(ms);
    if (pauses.length === stopAt) stop.abort();
  };
  const retrying = retryRequests(client, maxRetries, { clock: { sleep }, random: () => random });
  const request = (path = 'pki/sign/web') =>
    retrying.request({ method: 'POST', path, purpose: 'signing' }, stop.signal);
  return { request, pauses, asked: () => asked };
}

const AWAY = new AgentError('ERR_CA_UNREACHABLE', 'connection refused');

t.test('the pauses grow, between once and one and a half times as long', async (t) => {
  const shortest = open([AWAY, { status: 500 }, { status: 412 }]);
  t.match(await shortest.request(), { status: 200 });
  t.same(shortest.pauses, [1_000, 2_000, 3_000]);
  const longest = open([AWAY, { status: 500 }, { status: 412 }], { random: 1 });
  await longest.request();
  t.same(longest.pauses, [1_500, 3_000, 4_500]);
});

t.test('Vault may say how long', async (t) => {
  const { request, pauses } = open([
    { status: 429, retryAfterMs: 7_000 },
    { status: 503, retryAfterMs: 0 },
  ]);
  await request();
  t.same(pauses, [7_000, 0]);
});

t.test('the last outcome is told, not the first, and not that time was up', async (t) => {
  const last = new AgentError('ERR_CA_UNREACHABLE', 'the last');
  await t.rejects(open([{ status: 500 }, AWAY, AWAY, last]).request(), last);
  t.match(await open([AWAY, { status: 503 }], { maxRetries: 1 }).request(), { status: 503 });
  const stopped = open([{ status: 500 }, { status: 502 }, AWAY], { stopAt: 2 });
  t.match(await stopped.request(), { status: 502 }, 'its signal was aborted during the second pause');
  t.equal(stopped.asked(), 2);
});

t.test('what will be no other the next time is not asked again', async (t) => {
  for (const status of [200, 204, 307, 400, 403, 404, 405, 472, 473, 501]) {
    const { request, asked } = open([{ status }]);
    t.match(await request(), { status });
    t.equal(asked(), 1, String(status));
  }
  const { request, asked } = open([new AgentError('ERR_CA_TLS', 'untrusted')]);
  await t.rejects(request(), { code: 'ERR_CA_TLS' });
  t.equal(asked(), 1);
});

t.test('the health of Vault is what it is', async (t) => {
  const { request, asked } = open([{ status: 503 }]);
  t.match(await request('sys/health'), { status: 503 });
  t.equal(asked(), 1);
});
