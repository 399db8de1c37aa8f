import { AgentError } from '../../errors.ts';
import { type Query, readTexts } from './query.ts';

/** IAM, seen by its administrator (API version 2010-05-08). Each call throws AgentError. */
export interface Iam {
  /** Of the default version, parsed JSON. Undefined: there is no such policy. */
  readPolicy(arn: string): Promise<unknown>;
  createPolicy(name: string, document: string): Promise<void>;
  /** Makes a new default version. The oldest of the others goes where there are as many as IAM keeps. */
  replacePolicy(arn: string, document: string): Promise<void>;
  /** ARNs of the managed policies of a role. */
  listAttached(role: string): Promise<readonly string[]>;
  attach(role: string, policyArn: string): Promise<void>;
}

/** IAM keeps so many versions of a managed policy, and does not let go of one by itself (IAM quotas). */
const MAX_VERSIONS = 5;

export function openIam(query: Query): Iam {
  async function readAbsent<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (thrown) {
      if (AgentError.from(thrown).detail === 'absent') return undefined;
      throw thrown;
    }
  }

  /** The oldest first: versions are numbered, and no number is used twice. */
  async function listVersions(PolicyArn: string): Promise<{ readonly id: string; readonly isDefault: boolean }[]> {
    const answer = await query('ListPolicyVersions', { PolicyArn });
    const ids = readTexts(answer, 'VersionId');
    const defaults = readTexts(answer, 'IsDefaultVersion');
    if (ids.length === 0 || ids.length !== defaults.length) throw refuseAnswer('ListPolicyVersions');
    const versions = ids.map((id, index) => ({ id, isDefault: defaults[index] === 'true' }));
    return versions.toSorted((one, other) => toNumber(one.id) - toNumber(other.id));
  }

  return {
    async readPolicy(PolicyArn) {
      const policy = await readAbsent(query('GetPolicy', { PolicyArn }));
      if (policy === undefined) return undefined;
      const [VersionId] = readTexts(policy, 'DefaultVersionId');
      if (VersionId === undefined) throw refuseAnswer('GetPolicy');
      const [document = ''] = readTexts(await query('GetPolicyVersion', { PolicyArn, VersionId }), 'Document');
      return parseDocument(document);
    },
    async createPolicy(PolicyName, PolicyDocument) {
      await query('CreatePolicy', { PolicyName, PolicyDocument });
    },
    async replacePolicy(PolicyArn, PolicyDocument) {
      const versions = await listVersions(PolicyArn);
      const oldest = versions.find(({ isDefault }) => !isDefault);
      if (versions.length >= MAX_VERSIONS && oldest !== undefined) {
        await query('DeletePolicyVersion', { PolicyArn, VersionId: oldest.id });
      }
      await query('CreatePolicyVersion', { PolicyArn, PolicyDocument, SetAsDefault: 'true' });
    },
    async listAttached(RoleName) {
      const arns: string[] = [];
      let marker: string | undefined;
      do {
        const answer = await query('ListAttachedRolePolicies', { RoleName, ...(marker && { Marker: marker }) });
        arns.push(...readTexts(answer, 'PolicyArn'));
        const [isTruncated] = readTexts(answer, 'IsTruncated');
        marker = isTruncated === 'true' ? readTexts(answer, 'Marker')[0] : undefined;
      } while (marker !== undefined);
      return arns;
    },
    async attach(RoleName, PolicyArn) {
      await query('AttachRolePolicy', { RoleName, PolicyArn });
    },
  };
}

/** Percent-encoded JSON (IAM API reference, "PolicyVersion"). */
function parseDocument(encoded: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(encoded));
  } catch {
    throw refuseAnswer('GetPolicyVersion');
  }
}

function toNumber(versionId: string): number {
  return Number(versionId.slice(1));
}

function refuseAnswer(action: string): AgentError {
  return new AgentError('ERR_CA_PROTOCOL', `the answer of AWS IAM to ${action} cannot be used`, {
    remedy: 'check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_IAM, if they are set',
  });
}
