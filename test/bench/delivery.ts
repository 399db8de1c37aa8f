import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rotateUnderHandshakes, type SecretsBy } from '../helpers/rotate-under-handshakes.ts';
import { percentile, type Row } from './rows.ts';
import type { BenchContext } from './section.ts';
import { withTeardown } from './with-teardown.ts';

const PER_SECOND = 500;

/** A certificate a second under load, with SDS and with files: how soon Envoy serves it, and whether a handshake fails. */
export async function benchDelivery(context: BenchContext): Promise<Row[]> {
  return [...(await rotateBy('sds', context)), ...(await rotateBy('files', context))];
}

async function rotateBy(secrets: SecretsBy, { directory, quick, minutes, say }: BenchContext): Promise<Row[]> {
  const seconds = Math.round(60 * (minutes ?? (quick ? 1 / 3 : 5)));
  const own = join(directory, secrets);
  mkdirSync(own);
  say(`delivery by ${secrets}: ${seconds} s of ${PER_SECOND} connections a second`);
  const options = { directory: own, secrets, seconds, perSecond: PER_SECOND };
  const { rotations, servedMs, handshakes, failures } = await withTeardown((t) => rotateUnderHandshakes(t, options));
  for (const failure of failures) say(failure);
  const by = secrets === 'sds' ? 'by SDS' : 'by files';
  const served = `issued to served by Envoy ${by}, under load`;
  return [
    { what: `${served}, median`, unit: 'ms', meshcert: percentile(servedMs, 0.5) },
    { what: `${served}, p99 of ${rotations} rotations`, unit: 'ms', meshcert: percentile(servedMs, 0.99) },
    { what: `certificates that no handshake met, ${by}`, unit: '', meshcert: rotations - servedMs.length },
    { what: `failed handshakes, ${by}`, unit: '', meshcert: handshakes.failed },
    {
      what: `new TLS connections answered, ${by}`,
      unit: '/s',
      meshcert: handshakes.answered / handshakes.seconds,
      against: { name: 'offered', figure: PER_SECOND },
    },
    { what: `connection and handshake under load, ${by}, p99`, unit: 'ms', meshcert: handshakes.shakenMsP99 },
  ];
}
