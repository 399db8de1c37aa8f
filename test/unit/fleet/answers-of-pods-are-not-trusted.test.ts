import t from 'tap';
import { readStatus } from '../../../src/fleet/read-status.ts';
import { setUpObservation } from '../../helpers/observation-bench.ts';

t.test('what an agent says is read as it is, and what later versions add passes', async (t) => {
  const { observation, issue, deliver, failToIssue } = await setUpObservation({ hooks: ['h'], targets: ['t'] });
  for (const happen of [async () => {}, async () => deliver(await issue()), async () => failToIssue()]) {
    await happen();
    const status = JSON.parse(JSON.stringify({ ...observation.status(), later: { more: [1] } }));
    t.strictSame(readStatus(status), status);
  }
});

t.test('anything else is refused in one line, wherever it is wrong', async (t) => {
  const { observation, issue, failToIssue } = await setUpObservation();
  await issue();
  failToIssue();
  const status = JSON.parse(JSON.stringify(observation.status()));
  const refused = (answer: unknown) => {
    t.throws(() => readStatus(answer), { code: 'ERR_AGENT', message: /^what answers is no agent/ });
  };
  for (const answer of [undefined, null, 7, 'ok', [], {}, { kind: 'Status', code: 503 }]) refused(answer);
  for (const [key, value] of Object.entries(status)) {
    refused({ ...status, [key]: typeof value === 'number' ? 'x' : 7 });
    if (typeof value === 'object' && !Array.isArray(value)) refused({ ...status, [key]: {} });
    if (Array.isArray(value)) refused({ ...status, [key]: [null] });
  }
  refused({ ...status, certificate: { ...status.certificate, notAfter: 'soon' } });
});

t.test('nothing in it moves the cursor or colours the terminal', async (t) => {
  const { observation } = await setUpObservation({ name: 'web\u001b[2J\u0007\u009b31m', supportedBackends: ['a\nb'] });
  const read = readStatus(observation.status());
  t.match(read, { name: 'web [2J 31m', supportedBackends: ['a b'] });
});
