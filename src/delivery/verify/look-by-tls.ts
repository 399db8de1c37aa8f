import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Generation } from '../../identity/identity.ts';
import { derToPem } from '../../identity/pem.ts';
import type { TlsTarget } from './config.ts';
import { describeNetworkFailure } from './network-failure.ts';
import type { Look } from './serial-numbers.ts';

/**
 * Connects as a client of the mesh would, with the generation's own certificate if it is asked for, and looks at the one
 * that is served. Whether it is to be trusted is not the question: any chain, name or date will do.
 *
 * @param signal ends the attempt.
 */
export function lookByTls(target: TlsTarget, generation: Generation, signal: AbortSignal): Promise<Look> {
  const { host, port, serverName = isIP(host) === 0 ? host : undefined, alpn } = target;
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      cert: generation.chain.map((der) => derToPem('CERTIFICATE', der)).join(''),
      key: generation.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      rejectUnauthorized: false,
    });
    const fail = (trouble: string) => resolve({ serialNumbers: [], trouble });
    const giveUp = () => {
      fail('no answer in time');
      socket.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    const tellSeen = () => {
      const { serialNumber } = socket.getPeerX509Certificate() ?? {};
      if (serialNumber !== undefined) resolve({ serialNumbers: [serialNumber] });
    };
    socket.on('error', (error) => {
      // By TLS 1.2 a listener that does not let us in says so after it has shown its certificate.
      tellSeen();
      fail(describeNetworkFailure(error));
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      fail('the connection was closed');
    });
    socket.once('secureConnect', () => {
      tellSeen();
      // In order, so that the listener counts a connection and not a failed handshake.
      socket.resume().end();
    });
  });
}
