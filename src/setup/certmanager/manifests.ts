import { CERT_MANAGER, USAGES } from '../../issuer/certmanager/certificate-request.ts';
import type { CertManagerConfig, IssuerRef } from '../../issuer/certmanager/config.ts';

/** What cert-manager's side is to be set up for. */
export interface SetupSubject {
  readonly certmanager: CertManagerConfig;
  readonly mesh: string;
  readonly trustDomain: string;
  /** A SPIFFE ID. */
  readonly spiffeId: string;
  readonly ttlSeconds: number;
}

export interface SetupChoices {
  /** Whom the agent is, to the API server. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string };
  /** Also a CA for a new mesh, and the issuer that signs with it. */
  readonly makesIssuer: boolean;
  /** Where cert-manager keeps the secrets of ClusterIssuers. */
  readonly certManagerNamespace: string;
}

/** An object to be applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const CA_LIFE = '87600h';
const RBAC = 'rbac.authorization.k8s.io';

/** All that the agent needs of the cluster, in the order in which it is made. */
export function makeManifests(subject: SetupSubject, choices: SetupChoices): readonly Manifest[] {
  const { issuerRef } = subject.certmanager;
  return [
    ...(choices.makesIssuer ? makeIssuer(subject, choices) : []),
    ...makeRole(subject.certmanager, choices),
    ...(isClusterIssuer(issuerRef) ? makeClusterRole(issuerRef, choices) : []),
  ];
}

/** To ask for certificates, and to see whether the issuer is well. Nothing else. */
function makeRole({ issuerRef, caCert }: CertManagerConfig, { serviceAccount }: SetupChoices): Manifest[] {
  const { namespace, name } = serviceAccount;
  const metadata = { name: `meshcert-${name}`, namespace };
  const rules = [
    { apiGroups: [CERT_MANAGER], resources: ['certificaterequests'], verbs: ['create', 'get', 'watch', 'delete'] },
    ...(issuerRef.group === CERT_MANAGER && issuerRef.kind === 'Issuer'
      ? [{ apiGroups: [CERT_MANAGER], resources: ['issuers'], resourceNames: [issuerRef.name], verbs: ['get'] }]
      : []),
    ...(caCert?.kind === 'secret'
      ? [{ apiGroups: [''], resources: ['secrets'], resourceNames: [caCert.name], verbs: ['get'] }]
      : []),
  ];
  return [
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}

function makeClusterRole({ name: issuer }: IssuerRef, { serviceAccount }: SetupChoices): Manifest[] {
  const { namespace, name } = serviceAccount;
  const metadata = { name: `meshcert-${namespace}-${name}` };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [{ apiGroups: [CERT_MANAGER], resources: ['clusterissuers'], resourceNames: [issuer], verbs: ['get'] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}

/** A root that cert-manager makes and keeps, and the issuer that signs with it. */
function makeIssuer(
  { certmanager: { issuerRef }, mesh, trustDomain }: SetupSubject,
  { serviceAccount, certManagerNamespace }: SetupChoices,
): Manifest[] {
  const isCluster = isClusterIssuer(issuerRef);
  const namespace = isCluster ? certManagerNamespace : serviceAccount.namespace;
  const { kind, name } = issuerRef;
  const apiVersion = `${CERT_MANAGER}/v1`;
  const place = isCluster ? {} : { namespace };
  const maker = `${name}-self-signed`;
  return [
    { apiVersion, kind, metadata: { name: maker, ...place }, spec: { selfSigned: {} } },
    {
      apiVersion,
      kind: 'Certificate',
      metadata: { name, namespace },
      spec: {
        isCA: true,
        commonName: `${mesh} mesh`,
        uris: [`spiffe://${trustDomain}`],
        secretName: name,
        duration: CA_LIFE,
        // A new key would be a new root, which peers do not know yet.
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Never' },
        usages: ['cert sign', 'crl sign'],
        issuerRef: { name: maker, kind, group: CERT_MANAGER },
      },
    },
    { apiVersion, kind, metadata: { name, ...place }, spec: { ca: { secretName: name } } },
  ];
}

/**
 * What approver-policy has to be told, where it approves instead of cert-manager itself, which says yes to everybody.
 * Any service account that may use it gets a certificate for every SPIFFE ID that it lists.
 */
export function makePolicy(
  { certmanager: { issuerRef }, spiffeId, ttlSeconds }: SetupSubject,
  { serviceAccount: { namespace, name } }: SetupChoices,
): readonly Manifest[] {
  const metadata = { name: `meshcert-${namespace}-${name}` };
  return [
    {
      apiVersion: 'policy.cert-manager.io/v1alpha1',
      kind: 'CertificateRequestPolicy',
      metadata,
      spec: {
        allowed: { uris: { required: true, values: [spiffeId] }, usages: USAGES },
        constraints: { maxDuration: `${ttlSeconds}s` },
        selector: { issuerRef, namespace: { matchNames: [namespace] } },
      },
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name: `${metadata.name}-policy` },
      rules: [
        {
          apiGroups: ['policy.cert-manager.io'],
          resources: ['certificaterequestpolicies'],
          resourceNames: [metadata.name],
          verbs: ['use'],
        },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: { name: `${metadata.name}-policy`, namespace },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: `${metadata.name}-policy` },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}

function isClusterIssuer({ group, kind }: IssuerRef): boolean {
  return group === CERT_MANAGER && kind === 'ClusterIssuer';
}
