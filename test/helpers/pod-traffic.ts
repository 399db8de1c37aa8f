import { readFileSync, realpathSync } from 'node:fs';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';

/** What the application in the called pod says of a request. */
export interface PodAnswer {
  readonly status: number | undefined;
  /** As Envoy tells it: `By=...;Hash=...;URI=...` */
  readonly caller: string | undefined;
}

export interface PodTraffic {
  /** Answered with 200 to whom was meant. */
  answered: number;
  /** The others, each in words. */
  readonly failures: string[];
  /** Certificates of the called pod, by serial number, and of the caller, by hash, in the order of their first use. */
  readonly served: Set<string>;
  readonly shown: Set<string>;
  stop(): Promise<void>;
}

export interface PodTrafficOptions {
  /** Of an application that calls the other one through both Envoys for whoever asks it. */
  readonly byEnvoys: string;
  readonly byItself: CallWithFiles;
  /** SPIFFE ID. */
  readonly caller: string;
}

export interface CallWithFiles {
  /** `HOST:PORT` of the Envoy in front of the called application. */
  readonly target: string;
  /** Folder of the certificate and key to show, and of the CA to trust. */
  readonly identity: string;
  /** SPIFFE ID that the other side has to prove. */
  readonly server: string;
}

/** Calls in turn through both Envoys, and with the files of the caller over a new connection, until it is stopped. */
export function openPodTraffic({ byEnvoys, byItself, caller }: PodTrafficOptions): PodTraffic {
  let isStopped = false;
  const traffic: PodTraffic = { answered: 0, failures: [], served: new Set(), shown: new Set(), stop };
  const judge = (answer: PodAnswer) => {
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    const [, hash, uri] = /;Hash=(\w+);URI=(.*)$/.exec(answer.caller ?? '') ?? [];
    if (uri !== caller || hash === undefined) throw new Error(`the caller was ${answer.caller}`);
    traffic.shown.add(hash);
    traffic.answered += 1;
  };
  const attempts = [
    async () => judge(await callApplication(byEnvoys)),
    async () => {
      const { serial, ...answer } = await callWithFiles(byItself);
      judge(answer);
      traffic.served.add(serial);
    },
  ];
  const calling = (async () => {
    while (!isStopped) {
      for (const attempt of attempts) {
        await attempt().catch((thrown) => traffic.failures.push(`${new Date().toISOString()} ${thrown}`));
      }
      await wait(20);
    }
  })();
  async function stop(): Promise<void> {
    isStopped = true;
    await calling;
  }
  return traffic;
}

/** One request in plaintext on a connection of its own. */
export async function callApplication(url: string): Promise<PodAnswer> {
  const response = await respond(requestPlain(url, { agent: false, timeout: 5_000 }));
  return readAnswer(response);
}

/**
 * One request by mutual TLS on a connection of its own.
 *
 * @returns with `serial`, the serial number of the certificate of the other side.
 */
export async function callWithFiles(call: CallWithFiles): Promise<PodAnswer & { readonly serial: string }> {
  // One generation: what `..data` leads to is swapped as a whole.
  const generation = realpathSync(join(call.identity, '..data'));
  const [cert, key, ca] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFileSync(join(generation, name)));
  const request = requestTls(`https://${call.target}/`, {
    ...{ agent: false, timeout: 5_000, cert, key, ca },
    checkServerIdentity: (_host, { subjectaltname }) =>
      subjectaltname === `URI:${call.server}` ? undefined : new Error(`the server is ${subjectaltname}`),
  });
  const response = await respond(request);
  const serial = (response.socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '';
  return { ...(await readAnswer(response)), serial };
}

function respond(request: ReturnType<typeof requestPlain>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.end();
  });
}

async function readAnswer(response: IncomingMessage): Promise<PodAnswer> {
  const { statusCode: status } = response;
  if (status === 200) return { status, ...((await json(response)) as Pick<PodAnswer, 'caller'>) };
  response.resume();
  return { status, caller: undefined };
}
