/**
 * The issuer for cert-manager: each `issue` makes a CertificateRequest in our namespace, follows it to its end, and takes
 * it away again.
 *
 * @module
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { type Kubernetes, openKubernetes } from '../../kubernetes/kubernetes.ts';
import { waitFor } from '../../kubernetes/wait-for.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { openLifetimeWatch } from '../lifetime.ts';
import { areRoots, assemble, readTrust, type Trust } from './answer.ts';
import { type CertificateRequest, makeCertificateRequest, makeRequestsPath } from './certificate-request.ts';
import type { CertManagerConfig } from './config.ts';
import { explainNoCertManager, probeIssuer } from './health.ts';
import { judgeRequest } from './judge-request.ts';

/** For taking away a request, which nobody waits for. */
const TIDY_LIMIT_MS = 5_000;
/** How long `close` waits for that. */
const CLOSE_LIMIT_MS = 1_000;

/** Opens no connection before the first call. */
export function openCertManager(config: CertManagerConfig, context: IssuerContext): Issuer {
  const { backend, clock, random, log, observer, requestTimeoutMs } = context;
  const { issuerRef, access } = config;
  const running = new Set<Promise<unknown>>();
  const closing = new AbortController();
  const watchLifetime = openLifetimeWatch(log, {
    backend,
    raise: () => `that of ${issuerRef.kind} "${issuerRef.name}", or what a policy allows`,
  });
  let opened: Promise<Kubernetes> | undefined;
  /** Of the last answer that named a CA. */
  let seen: Trust | undefined;
  let isWarned = false;

  /** Opened anew after it could not be: a kubeconfig may come later. */
  const connect = (): Promise<Kubernetes> => {
    opened ??= openKubernetes({ access, limitMs: requestTimeoutMs }, { clock, random }).catch((thrown: unknown) => {
      opened = undefined;
      throw thrown;
    });
    return opened;
  };

  const limit = (signal: AbortSignal) =>
    AbortSignal.any([signal, closing.signal, AbortSignal.timeout(requestTimeoutMs)]);

  const track = <T>(work: Promise<T>): Promise<T> => {
    const done: Promise<unknown> = work.then(noop, noop).finally(() => running.delete(done));
    running.add(done);
    return work;
  };

  const readPinned = async (): Promise<Trust | undefined> =>
    config.caCert && readTrust(await context.readSource(config.caCert), 'conf.caCert');

  async function issue(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
    const limited = limit(signal);
    const [kubernetes, pinned, csr] = await Promise.all([connect(), readPinned(), request.makeCsr()]);
    const startedAtMs = clock.monotonicMs();
    // Named here and not by the server: whose answer is lost, that one can be taken away, too.
    const name = `meshcert-${randomBytes(8).toString('hex')}`;
    const path = makeRequestsPath(kubernetes.namespace);
    const { spiffeId, ttlSeconds } = request;
    const subject = { namespace: kubernetes.namespace, issuerRef, spiffeId: spiffeId.toString() };
    if (limited.aborted) throw giveUp();
    const body = makeCertificateRequest({ name, issuerRef, csr, ttlSeconds, spiffeId, pod: kubernetes.self()?.pod });
    try {
      await kubernetes.create(path, body, limited).catch((thrown: unknown) => {
        throw isGivenUp(limited) ? giveUp() : explainNoCertManager(thrown);
      });
      const judge = (made: CertificateRequest) => judgeRequest(made, subject, requestTimeoutMs);
      const { certificatePem, caPem } = await waitFor(kubernetes, { path, name }, judge, limited);
      observer.stepTook('sign', (clock.monotonicMs() - startedAtMs) / 1000);
      const issued = assemble(certificatePem, pinned ?? learn(caPem));
      tellOfLifetime(issued, request);
      return issued;
    } finally {
      void track(takeAway(kubernetes, `${path}/${name}`));
      tellOfExpiry(kubernetes);
    }
  }

  /** @throws AgentError when the answer names no CA. */
  function learn(caPem: string): Trust {
    if (caPem.trim() === '') throw explainUnknownCa(`${issuerRef.kind} "${issuerRef.name}" names no CA`);
    seen = readTrust(caPem, 'status.ca of the CertificateRequest');
    if (!isWarned && !areRoots(seen)) {
      isWarned = true;
      const remedy = 'set conf.caCert to the root';
      log.warn('no root is known, so peers are given an intermediate CA to trust', { backend, remedy });
    }
    return seen;
  }

  function tellOfLifetime({ chain: [leaf] }: Issued, request: IssueRequest): void {
    const { ttlSeconds: askedSeconds, fullTtlSeconds: fullSeconds } = request;
    const notAfterMs = leaf && readNotAfterMs(leaf);
    if (notAfterMs === undefined) return;
    watchLifetime({ askedSeconds, fullSeconds, gotSeconds: (notAfterMs - clock.nowMs()) / 1000 });
  }

  function tellOfExpiry(kubernetes: Kubernetes): void {
    const expiresAtMs = kubernetes.self()?.expiresAtMs;
    if (expiresAtMs !== undefined) observer.credentialExpires('service_account_token', expiresAtMs);
  }

  async function takeAway(kubernetes: Kubernetes, path: string): Promise<void> {
    await kubernetes.delete(path, AbortSignal.timeout(TIDY_LIMIT_MS)).catch((thrown: unknown) => {
      log.debug('request not deleted', { backend, path, error: AgentError.from(thrown).line });
    });
  }

  const probe = async (signal: AbortSignal): Promise<void> => {
    await probeIssuer(await connect(), issuerRef, limit(signal));
  };

  return {
    issue: (request, signal) => track(issue(request, signal)),
    probe: (signal) => track(probe(signal)),
    async readRoots(signal) {
      const known = (await readPinned()) ?? seen;
      if (known !== undefined) return known.anchors;
      await track(probe(signal));
      throw explainUnknownCa('the CA of cert-manager is not known before it has issued a certificate');
    },
    async close() {
      closing.abort();
      const end = new AbortController();
      const finish = async () => {
        while (running.size > 0) await Promise.all(running);
      };
      await Promise.race([finish(), clock.sleep(CLOSE_LIMIT_MS, end.signal)]);
      end.abort();
      (await opened?.catch(noop))?.close();
      opened = undefined;
    },
  };
}

function explainUnknownCa(why: string): AgentError {
  return new AgentError('ERR_SOURCE', `what peers are to trust is not known: ${why}`, {
    remedy: 'set conf.caCert to the root of that CA',
    detail: 'unknown_ca',
  });
}

/** Undefined: that is no certificate, which the verification says better. */
function readNotAfterMs(der: Buffer): number | undefined {
  try {
    return new X509Certificate(der).validToDate.getTime();
  } catch {
    return undefined;
  }
}

/** Aborted for another reason than that time is up. */
function isGivenUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as Error | undefined)?.name !== 'TimeoutError';
}

function giveUp(): AgentError {
  return new AgentError('ERR_CA_UNAVAILABLE', 'the request for a certificate was given up');
}

function noop(): undefined {}
