import { derToPem } from '../../identity/pem.ts';
import type { Issued, IssueRequest, IssuerContext } from '../issuer.ts';
import { openLifetimeWatch } from '../lifetime.ts';
import { readSignedAnswer, type SignedAnswer } from './answer.ts';
import type { CaChain } from './ca-chain.ts';
import { type AskVault, reachedAt, type VaultAnswer } from './client.ts';
import type { VaultConfig } from './config.ts';
import { asRecord, asStrings } from './json.ts';
import type { Login } from './login.ts';
import { explainDenied, explainSignRefusal, grantSign } from './sign-errors.ts';

/** How long `issue` is taken to be all that the policy grants, before `sign` is tried again. */
const ISSUE_ONLY_MS = 24 * 60 * 60 * 1000;

export type Signer = (request: IssueRequest, login: Login, ask: AskVault) => Promise<Issued>;

type Endpoint = 'sign' | 'issue';

/**
 * Gets certificates from one PKI role. `sign` keeps the private key here; where the policy grants only `issue`, as that
 * of Kong Mesh's document does, that is used and said once. It is remembered, as each denied request may raise an alarm
 * on Vault's audit log; `sign` gets another chance after a day, and as soon as `issue` is denied too.
 */
export function openSigner(
  config: VaultConfig,
  context: IssuerContext,
  readPinned: () => Promise<CaChain | undefined>,
): Signer {
  const { backend, clock, log, observer } = context;
  const { pki, role } = config;
  const address = reachedAt(config);
  const watchLifetime = openLifetimeWatch(log, {
    backend,
    raise: (seconds) => `vault patch ${pki}/roles/${role} max_ttl=${seconds}s`,
  });
  let signDeniedAtMs: number | undefined;
  const told = new Set<string>();
  const warnOnce = (event: string, remedy: string) => {
    if (!told.has(event)) log.warn(event, { backend, remedy });
    told.add(event);
  };

  const isIssueOnly = () => signDeniedAtMs !== undefined && clock.monotonicMs() - signDeniedAtMs < ISSUE_ONLY_MS;

  /** The first answer that is not "denied", or the last one. */
  async function request(wanted: IssueRequest, login: Login, ask: AskVault): Promise<VaultAnswer> {
    const send = async (endpoint: Endpoint) => {
      const path = `${pki}/${endpoint}/${role}`;
      const body = await makeBody(endpoint, wanted, config.commonName);
      return ask({ method: 'POST', path, token: login.token, body, secrets: [body.csr], purpose: 'signing' });
    };
    const [first, second]: [Endpoint, Endpoint] = isIssueOnly() ? ['issue', 'sign'] : ['sign', 'issue'];
    const answer = await send(first);
    if (answer.status !== 403 || isDeadToken(answer)) return answer;
    const other = await send(second);
    if (other.status === 403) return other;
    signDeniedAtMs = second === 'issue' ? clock.monotonicMs() : undefined;
    return other;
  }

  return async (wanted, login, ask) => {
    const pinned = await readPinned();
    const startedAtMs = clock.monotonicMs();
    const answer = await request(wanted, login, ask);
    const attempt = { address, pki, role, request: wanted };
    if (answer.status === 403) throw explainDenied(attempt, login.kind, await judgeToken(answer, login, ask));
    if (answer.status !== 200) throw explainSignRefusal(answer, attempt);
    const { notAfterSeconds, anchorIsIntermediate, ...issued }: SignedAnswer = readSignedAnswer(answer.body, pinned);
    observer.stepTook('sign', (clock.monotonicMs() - startedAtMs) / 1000);

    for (const warning of asStrings(asRecord(answer.body).warnings)) log.debug('vault warns', { backend, warning });
    if (notAfterSeconds !== undefined) {
      // By Vault's own clock where it is known, so that neither a wrong one here nor a slow answer looks like a short life.
      const nowMs = answer.vaultNowMs ?? clock.nowMs();
      const { ttlSeconds: askedSeconds, fullTtlSeconds: fullSeconds } = wanted;
      watchLifetime({ askedSeconds, fullSeconds, gotSeconds: notAfterSeconds - nowMs / 1000 });
    }
    if (issued.privateKeyPem !== undefined) {
      warnOnce('the CA makes the private key, as its policy grants issue only', `grant: ${grantSign({ pki, role })}`);
    }
    if (anchorIsIntermediate) {
      warnOnce(
        'no root is known, so peers are given an intermediate CA to trust',
        'set conf.fromCp.caChain to the root',
      );
    }
    return issued;
  };
}

async function makeBody(endpoint: Endpoint, request: IssueRequest, commonName: string | undefined) {
  const { spiffeId, makeCsr, ttlSeconds } = request;
  return {
    csr: endpoint === 'sign' ? derToPem('CERTIFICATE REQUEST', await makeCsr()) : undefined,
    private_key_format: endpoint === 'issue' ? 'pkcs8' : undefined,
    // The request has no subject, and then Vault takes it from here.
    common_name: commonName,
    // Vault takes the SAN from the CSR, unless the role says use_csr_sans=false.
    uri_sans: spiffeId.toString(),
    ttl: `${ttlSeconds}s`,
    exclude_cn_from_sans: true,
    format: 'pem',
  };
}

/** Vault of today says it; with older ones every 403 reads alike. */
function isDeadToken({ complaint }: VaultAnswer): boolean {
  return /invalid token/.test(complaint);
}

/** What the token itself is worth, after it was denied something. */
async function judgeToken(denied: VaultAnswer, login: Login, ask: AskVault): Promise<'alive' | 'dead' | 'unknown'> {
  if (isDeadToken(denied)) return 'dead';
  if (login.kind !== 'configured') return 'alive';
  const answer = await ask({
    method: 'GET',
    path: 'auth/token/lookup-self',
    token: login.token,
    purpose: 'looking up our token',
  });
  if (answer.status === 200) return 'alive';
  return isDeadToken(answer) ? 'dead' : 'unknown';
}
