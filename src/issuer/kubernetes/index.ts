/**
 * The issuer for signers of CertificateSigningRequests: each `issue` makes a request, follows it to its end, and takes it
 * away again where it may.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { pemToDer } from '../../identity/pem.ts';
import { type Kubernetes, openKubernetes } from '../../kubernetes/kubernetes.ts';
import { statusOf } from '../../kubernetes/kubernetes-error.ts';
import { type SigningRequest, signingRequestPath } from '../../kubernetes/signing-request.ts';
import { waitFor } from '../../kubernetes/wait-for.ts';
import type { Issued, IssueRequest, Issuer, IssuerContext } from '../issuer.ts';
import { openLifetimeWatch } from '../lifetime.ts';
import type { KubernetesConfig } from './config.ts';
import { readTrust } from './read-trust.ts';
import { isEnd, judgeProgress, makeSigningRequest, nameRequest } from './signing-request.ts';

/** For taking away a request, which nobody waits for. */
const TIDY_LIMIT_MS = 2_000;
const REVIEW_PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** Opens no connection before the first call. */
export function openKubernetesSigner(config: KubernetesConfig, context: IssuerContext): Issuer {
  const { backend, clock, random, log, observer, requestTimeoutMs, readSource } = context;
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const watchLifetime = openLifetimeWatch(log, { backend, raise: () => `that of the signer "${config.signerName}"` });
  let opened: Promise<Kubernetes> | undefined;
  /** Requests that are still there, as far as we know. */
  const left = new Set<string>();
  let mayDelete = true;
  /** One that was refused stays refused: the next attempt takes another name. */
  let refusals = 0;

  /** Opened anew after it could not be: a kubeconfig may come later. */
  function connect(): Promise<Kubernetes> {
    opened ??= openKubernetes({ access: config.access, limitMs: requestTimeoutMs }, { clock, random }).catch(
      (thrown: unknown) => {
        opened = undefined;
        throw thrown;
      },
    );
    return opened;
  }

  const limit = (signal: AbortSignal) =>
    AbortSignal.any([signal, closing.signal, AbortSignal.timeout(requestTimeoutMs)]);

  async function issue(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
    const { makeCsr, ttlSeconds } = request;
    const limited = limit(signal);
    const kubernetes = await connect();
    // Before anything is asked for: without them a certificate would be of no use.
    const [csr, roots] = await Promise.all([makeCsr(), readTrust(config, kubernetes, readSource, limited)]);
    if (limited.aborted) throw new AgentError('ERR_CA_UNAVAILABLE', 'the request for a certificate was given up');
    tellOfExpiry(kubernetes);
    const startMs = clock.monotonicMs();
    const name = nameRequest(csr, refusals);
    for (const other of left) if (other !== name) takeAway(kubernetes, other);
    left.add(name);
    await kubernetes
      .create(signingRequestPath(), makeSigningRequest(name, csr, ttlSeconds, config), limited)
      .catch(allowConflict);
    const pem = await follow(kubernetes, name, limited);
    observer.stepTook('sign', (clock.monotonicMs() - startMs) / 1000);
    const chain = pemToDer('CERTIFICATE', pem);
    tellOfLifetime(chain, request);
    return { chain, roots };
  }

  /**
   * A request that has no end yet when time is up is left there, and the next attempt, which comes with the same key, finds
   * it: so people have longer to approve it, and nothing is signed twice.
   */
  async function follow(kubernetes: Kubernetes, name: string, signal: AbortSignal): Promise<string> {
    const what = { path: signingRequestPath(), name };
    const judge = (request: SigningRequest) => judgeProgress(request, requestTimeoutMs);
    try {
      const pem = await waitFor(kubernetes, what, judge, signal);
      takeAway(kubernetes, name);
      return pem;
    } catch (thrown) {
      if (isEnd(thrown)) {
        refusals += 1;
        takeAway(kubernetes, name);
      }
      throw thrown;
    }
  }

  function tellOfExpiry(kubernetes: Kubernetes): void {
    const expiresAtMs = kubernetes.self()?.expiresAtMs;
    if (expiresAtMs !== undefined) observer.credentialExpires('service_account_token', expiresAtMs);
  }

  function tellOfLifetime([leaf]: readonly Buffer[], request: IssueRequest): void {
    const { ttlSeconds: askedSeconds, fullTtlSeconds: fullSeconds } = request;
    const notAfterMs = leaf && readNotAfterMs(leaf);
    if (notAfterMs === undefined) return;
    watchLifetime({ askedSeconds, fullSeconds, gotSeconds: (notAfterMs - clock.nowMs()) / 1000 });
  }

  /** Who may delete one request may delete those of others, so few will be allowed to. The cluster forgets old ones. */
  function takeAway(kubernetes: Kubernetes, name: string): void {
    left.delete(name);
    if (!mayDelete) return;
    const deleting = kubernetes.delete(signingRequestPath(name), AbortSignal.timeout(TIDY_LIMIT_MS));
    void track(
      deleting.catch((thrown: unknown) => {
        const error = AgentError.from(thrown);
        if (error.code === 'ERR_CA_DENIED') mayDelete = false;
        log.debug('request not deleted', { backend, request: name, reason: error.message });
      }),
    );
  }

  /** For `close`, which waits for it. */
  function track<T>(work: Promise<T>): Promise<T> {
    const done: Promise<unknown> = Promise.allSettled([work]).then(() => running.delete(done));
    running.add(done);
    return work;
  }

  return {
    issue: (request, signal) => track(issue(request, signal)),
    async probe(signal) {
      const limited = limit(signal);
      const kubernetes = await connect();
      await Promise.all([requireToBeAllowed(kubernetes, limited), readTrust(config, kubernetes, readSource, limited)]);
    },
    async readRoots(signal) {
      return readTrust(config, await connect(), readSource, limit(signal));
    },
    async close() {
      closing.abort();
      const kubernetes = await opened?.catch(() => undefined);
      await Promise.all(running);
      for (const name of kubernetes === undefined ? [] : left) takeAway(kubernetes as Kubernetes, name);
      while (running.size > 0) await Promise.all(running);
      kubernetes?.close();
      opened = undefined;
    },
  };
}

/** Every service account may ask what it may do. */
async function requireToBeAllowed(kubernetes: Kubernetes, signal: AbortSignal): Promise<void> {
  const resourceAttributes = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create' };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
  const { status } = await kubernetes.create<{ status?: { allowed?: boolean } }>(
    REVIEW_PATH,
    { ...review, spec: { resourceAttributes } },
    signal,
  );
  if (status?.allowed === true) return;
  throw new AgentError('ERR_CA_DENIED', 'we may not create CertificateSigningRequests', {
    remedy:
      'grant it in a ClusterRole: {apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["create", "get", "watch"]}',
  });
}

/** An earlier attempt with the same key made it. @throws everything else */
function allowConflict(thrown: unknown): void {
  if (statusOf(thrown) !== 409) throw thrown;
}

/** Undefined: that is no certificate, which the verification says better. */
function readNotAfterMs(der: Buffer): number | undefined {
  try {
    return new X509Certificate(der).validToDate.getTime();
  } catch {
    return undefined;
  }
}
