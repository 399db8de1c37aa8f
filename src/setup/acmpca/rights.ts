import type { SetupStep } from '../step.ts';
import { comparePolicies } from './compare-policies.ts';
import type { Iam } from './iam.ts';

interface PolicyPlan {
  readonly name: string;
  readonly arn: string;
  /** JSON. */
  readonly document: string;
}

export function policyStep({ name, arn, document }: PolicyPlan): SetupStep<Iam> {
  return {
    what: `IAM policy ${name}`,
    canChange: true,
    async look(iam) {
      const found = await iam.readPolicy(arn);
      if (found === undefined) return { state: 'absent' };
      const differences = comparePolicies(found, JSON.parse(document));
      return differences.length === 0 ? { state: 'as wanted' } : { state: 'differs', differences };
    },
    async make(iam) {
      if ((await iam.readPolicy(arn)) === undefined) await iam.createPolicy(name, document);
      else await iam.replacePolicy(arn, document);
      return undefined;
    },
  };
}

export function attachStep({ name, arn }: PolicyPlan, role: string): SetupStep<Iam> {
  return {
    what: `IAM policy ${name} for the IAM role ${role}`,
    canChange: true,
    look: async (iam) => ({ state: (await iam.listAttached(role)).includes(arn) ? 'as wanted' : 'absent' }),
    async make(iam) {
      await iam.attach(role, arn);
      return undefined;
    },
  };
}
