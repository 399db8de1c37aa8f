const RBAC = 'rbac.authorization.k8s.io';
const NAME = 'meshcert-inspect';

/** Whom to let look. */
export interface InspectSubject {
  readonly kind: 'ServiceAccount' | 'User' | 'Group';
  readonly name: string;
  /** Of a service account. */
  readonly namespace?: string;
}

export interface InspectChoices {
  /** Undefined: all that there are. */
  readonly namespace: string | undefined;
  /** Empty: the role alone. */
  readonly subjects: readonly InspectSubject[];
}

/**
 * All that `inspect --kubernetes` needs of a cluster. Nothing in it changes anything; but whoever may `get` `pods/proxy`
 * may read whatever pods answer to a GET over HTTP, on each of their ports.
 */
export function listInspectManifests({ namespace, subjects }: InspectChoices): readonly object[] {
  const apiVersion = `${RBAC}/v1`;
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const metadata = { name: NAME, ...(namespace !== undefined && { namespace }) };
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] },
  ];
  const named = subjects.map((one) => (one.kind === 'ServiceAccount' ? one : { apiGroup: RBAC, ...one }));
  const roleRef = { apiGroup: RBAC, kind, name: NAME };
  const role = { apiVersion, kind, metadata, rules };
  return subjects.length === 0
    ? [role]
    : [role, { apiVersion, kind: `${kind}Binding`, metadata, roleRef, subjects: named }];
}
