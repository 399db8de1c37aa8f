/**
 * `subscribe-to-secrets.ts SOCKET STREAMS`, as a child with a channel: tells its parent the serial number each time that
 * all streams have the same new certificate.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { openGrpcClient } from '../helpers/grpc-client.ts';
import { readSecret, streamSecrets } from '../helpers/sds-client.ts';

/** What one Envoy opens is far below. */
const STREAMS_PER_CONNECTION = 100;

const [socket = '', wanted = ''] = process.argv.slice(2);
const streams = Number(wanted);
const held = new Map<string, number>();
for (let opened = 0, client = openClient(); opened < streams; opened += 1) {
  if (opened % STREAMS_PER_CONNECTION === STREAMS_PER_CONNECTION - 1) client = openClient();
  const stream = streamSecrets(client);
  stream.send({ resourceNames: ['default'] });
  stream.call.on('data', ({ resources: [resource], nonce }) => {
    stream.send({ resourceNames: ['default'], responseNonce: nonce });
    const { serialNumber } = new X509Certificate(readSecret(resource).certificateChain ?? '');
    const count = (held.get(serialNumber) ?? 0) + 1;
    held.set(serialNumber, count);
    if (count === streams) process.send?.(serialNumber);
  });
}

function openClient() {
  return openGrpcClient({ teardown: () => undefined }, socket);
}
