import type { DataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import type { VaultAuth } from '../../issuer/vault/config.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import { mountStep } from './mount.ts';
import { parametersStep, type Value } from './parameters.ts';
import type { Step } from './step.ts';

/** Long enough to sign, short enough to be of no use to a thief. */
const TOKEN_TTL_SECONDS = 600;

/** What the Mesh does not say of a login. */
export interface Login {
  /** Whose service account logs in. Undefined: not known. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string } | undefined;
  /** The URL of the cluster's API, as Vault reaches it. Undefined: Vault runs in the cluster. */
  readonly kubernetesHost: string | undefined;
  /** PEM of the CA of that API. Undefined: what Vault has in its pod. */
  readonly kubernetesCa: GivenFile | undefined;
  /** A token that may review others. Undefined: Vault's own in its pod. */
  readonly reviewerToken: GivenFile | undefined;
}

export interface GivenFile {
  readonly path: string;
  readonly text: string;
}

interface LoginPlan {
  readonly steps: readonly Step[];
  readonly hints: readonly string[];
}

/**
 * What makes the login of the Mesh work, and gives it the policy. Only Kubernetes can be set up whole: the others hang on
 * something outside of Vault, which the hints name.
 *
 * @throws AgentError `ERR_CONFIG` when something has to be said that is not.
 */
export function planLogin(auth: VaultAuth, policy: string, login: Login): LoginPlan {
  switch (auth.method) {
    case 'kubernetes':
      return { steps: planKubernetes(auth, policy, login), hints: [] };
    case 'token':
      return {
        steps: [],
        hints: [
          'Give the agent a token with this policy; it can be renewed for ever, and has to be within 72 hours each time:',
          `vault token create -policy=${policy} -period=72h -field=token${describeTarget(auth.token)}`,
        ],
      };
    case 'agent':
      return { steps: [], hints: [`Give the auto-auth of your Vault Agent a login with the policy ${policy}.`] };
    case 'approle':
      return {
        steps: [],
        hints: [
          'Make an AppRole with this policy, and store what the last two print as roleId and secretId:',
          `vault auth enable -path=${mountOfAuth(auth.mountPath)} approle`,
          `vault write ${auth.mountPath}/role/meshcert token_policies=${policy} token_ttl=10m`,
          `vault read -field=role_id ${auth.mountPath}/role/meshcert/role-id${describeTarget(auth.roleId)}`,
          `vault write -f -field=secret_id ${auth.mountPath}/role/meshcert/secret-id${auth.secretId ? describeTarget(auth.secretId) : ''}`,
        ],
      };
    case 'jwt':
      return {
        steps: [],
        hints: [
          'Make a JWT role with this policy, bound to what is in the token (its audience, its subject):',
          `vault auth enable -path=${mountOfAuth(auth.mountPath)} jwt`,
          `vault write ${auth.mountPath}/config oidc_discovery_url=ISSUER`,
          `vault write ${auth.mountPath}/role/${auth.role ?? 'ROLE'} role_type=jwt user_claim=sub bound_audiences=AUDIENCE bound_subject=SUBJECT token_policies=${policy} token_ttl=10m`,
        ],
      };
    case 'tls':
      return {
        steps: [],
        hints: [
          'Have Vault believe the CA of the client certificate, for certificates of one name, and give them this policy:',
          `vault auth enable -path=${mountOfAuth(auth.mountPath)} cert`,
          `vault write ${auth.mountPath}/certs/${auth.role ?? 'meshcert'} certificate=@CLIENT_CA.pem allowed_common_names=NAME token_policies=${policy} token_ttl=10m`,
        ],
      };
    case 'aws':
      return {
        steps: [],
        hints: [
          'Make a role with this policy, bound to the IAM role of the workload:',
          `vault auth enable -path=${mountOfAuth(auth.mountPath)} aws`,
          `vault write ${auth.mountPath}/role/${auth.role ?? 'ROLE'} auth_type=iam bound_iam_principal_arn=ARN token_policies=${policy} token_ttl=10m`,
        ],
      };
    default:
      return auth satisfies never;
  }
}

type KubernetesAuth = Extract<VaultAuth, { method: 'kubernetes' }>;

function planKubernetes({ mountPath, role, audience }: KubernetesAuth, policy: string, login: Login): Step[] {
  const { serviceAccount, kubernetesHost, kubernetesCa, reviewerToken } = login;
  if (serviceAccount === undefined) {
    throw new AgentError('ERR_CONFIG', 'nothing says which service account is to log in', {
      remedy: 'add --service-account NAMESPACE/NAME',
    });
  }
  const isOutside = kubernetesHost !== undefined;
  const config: Record<string, Value> = {
    kubernetes_host: kubernetesHost ?? 'https://kubernetes.default.svc',
    ...(kubernetesCa !== undefined && { kubernetes_ca_cert: kubernetesCa.text }),
    ...(isOutside && { disable_local_ca_jwt: true }),
  };
  const given = kubernetesCa === undefined ? {} : { kubernetes_ca_cert: `@${kubernetesCa.path}` };
  const hidden =
    reviewerToken === undefined
      ? {}
      : { token_reviewer_jwt: { value: reviewerToken.text.trim(), script: `@${reviewerToken.path}` } };
  const reviewer = reviewerToken === undefined ? describeReviewer(isOutside) : 'the reviewer whose token is given';
  return [
    mountStep({ kind: 'auth', path: mountOfAuth(mountPath), type: 'kubernetes', why: ['The login of the agents.'] }),
    parametersStep({
      what: `configuration of ${mountPath}`,
      why: [
        'The cluster that Vault asks whether a token of a service account is good.',
        `Who asks is ${reviewer}; it needs the ClusterRole system:auth-delegator.`,
      ],
      path: `${mountPath}/config`,
      isGuess: !isOutside && kubernetesCa === undefined && reviewerToken === undefined,
      values: config,
      inScript: given,
      hidden,
    }),
    parametersStep({
      what: `role ${mountPath}/role/${role}`,
      why: [`Lets the service account ${serviceAccount.namespace}/${serviceAccount.name} log in, for minutes.`],
      path: `${mountPath}/role/${role}`,
      values: {
        bound_service_account_names: [serviceAccount.name],
        bound_service_account_namespaces: [serviceAccount.namespace],
        ...(audience !== undefined && { audience }),
        token_policies: [policy],
        token_ttl: TOKEN_TTL_SECONDS,
      },
    }),
  ];
}

function describeReviewer(isOutside: boolean): string {
  return isOutside ? 'the service account that logs in, as no reviewer is given' : 'the service account of Vault';
}

function mountOfAuth(mountPath: string): string {
  return mountPath.replace(/^auth\//, '');
}

/** Where a value belongs. */
function describeTarget(source: DataSource): string {
  return source.kind === 'file' ? ` > ${quoteForShell(source.path)}` : '';
}
