import type { DataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import { formatDuration } from '../../format-duration.ts';
import { asRecord, asString } from '../../issuer/vault/json.ts';
import {
  checkServiceAccountToken,
  parseServiceAccountToken,
  type ServiceAccountToken,
} from '../../issuer/vault/service-account-token.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import type { VaultSubject } from './subject.ts';

interface NamedSource {
  /** `auth.token` */
  readonly key: string;
  readonly source: DataSource;
}

export interface CheckedCredentials {
  /** What a login has to wait for. */
  readonly needed: readonly Checked<unknown>[];
  /** Undefined: we log in with something else. */
  readonly serviceAccount: Checked<ServiceAccountToken> | undefined;
}

/** What the agent proves itself with: whether it can be read, and what can be known of it without asking Vault. */
export async function checkCredentials(
  examination: Examination,
  { vault }: VaultSubject,
  ports: DoctorPorts,
): Promise<CheckedCredentials> {
  const sources = findSources(vault);
  const readable = await examination.check('credentials', [], async (): Promise<Outcome<true>> => {
    for (const { source } of sources) await ports.readSource(source);
    const inline = sources.filter(
      // What comes from the environment stands in no file.
      ({ key, source }) => key.startsWith('auth.') && source.kind === 'inline' && source.value !== ports.adminToken,
    );
    if (inline.length > 0) {
      return {
        verdict: 'warn',
        cause: `${inline.map(({ key }) => key).join(' and ')} holds a secret in plain sight`,
        remedy: 'put the value into a file that only the agent may read, and name it by "file" or "secret"',
        value: true,
      };
    }
    return { verdict: 'pass', cause: `${vault.auth.method}: ${describe(sources)}`, value: true };
  });
  const { auth } = vault;
  if (auth.method !== 'kubernetes') return { needed: [readable], serviceAccount: undefined };

  const serviceAccount = await examination.check('service-account-token', [], async () => {
    const { tokenPath: path, audience } = auth;
    const token = parseServiceAccountToken(await readTokenFile(path, ports), path);
    const nowMs = ports.clock.nowMs();
    checkServiceAccountToken(token, { path, audience, nowMs });
    return { ...judgeToken(token, audience, nowMs), value: token };
  });
  return { needed: [readable, serviceAccount], serviceAccount };
}

async function readTokenFile(path: string, { readSource }: DoctorPorts): Promise<string> {
  try {
    return await readSource({ kind: 'file', path });
  } catch (thrown) {
    throw new AgentError('ERR_SOURCE', AgentError.from(thrown).message, {
      remedy: 'project a serviceAccountToken volume there, readable for this process, or set auth.kubernetes.tokenPath',
    });
  }
}

function judgeToken(
  { jwt, owner, audiences, expiresAtMs }: ServiceAccountToken,
  audience: string | undefined,
  nowMs: number,
): Outcome<never> {
  const life = expiresAtMs === undefined ? 'never ends' : `ends in ${formatDuration((expiresAtMs - nowMs) / 1000)}`;
  const cause = `of ${owner}, for ${audiences.join(', ') || 'no audience'}, issued by ${readIssuer(jwt)}, ${life}`;
  if (expiresAtMs === undefined) {
    return {
      verdict: 'warn',
      cause,
      remedy: 'project a serviceAccountToken volume, whose tokens end, in the place of the token of a Secret',
    };
  }
  if (audience === undefined && audiences.some((one) => one.includes('kubernetes.default'))) {
    return {
      verdict: 'warn',
      cause: `${cause}: whoever gets it from Vault or on the way may use it against the API of the cluster`,
      remedy: 'project a token with "audience: vault", and set auth.kubernetes.audience to vault',
    };
  }
  return { verdict: 'pass', cause };
}

/** Vault has to know the very cluster that this is; the token was read as a JWT before. */
function readIssuer(jwt: string): string {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return asString(asRecord(claims).iss) ?? 'nobody';
}

/** Every source in the configuration of this Vault, wherever it stands. */
function findSources(value: unknown, key = ''): NamedSource[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isSource(value)) return [{ key, source: value }];
  return Object.entries(value).flatMap(([name, inner]) =>
    findSources(inner, [key, ...(name === 'method' ? [] : [name])].filter((part) => part !== '').join('.')),
  );
}

function isSource(value: object): value is DataSource {
  const { kind } = value as { kind?: unknown };
  return ['file', 'directory', 'secret', 'inline'].includes(String(kind));
}

function describe(sources: readonly NamedSource[]): string {
  return sources.length === 0 ? 'nothing to read' : `${sources.map(({ key }) => key).join(', ')} can be read`;
}
