import type { Manifest } from './helm.ts';
import type { Rule } from './service-account.ts';

interface Binding extends Manifest {
  readonly roleRef: { readonly kind: 'Role' | 'ClusterRole'; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/**
 * What a set of manifests grants to a service account or a group, a line for each right: `meshcert-system get secrets/web`, and
 * `*` for all namespaces. Sorted; each once.
 */
export function listGrantedRights(manifests: readonly Manifest[], subject: string): string[] {
  const bindings = manifests.filter(({ kind }) => kind.endsWith('RoleBinding')) as Binding[];
  const rights = bindings
    .filter(({ subjects }) => subjects.some(({ name }) => name === subject))
    .flatMap(({ metadata, roleRef }) => {
      const role = manifests.find(
        (one) =>
          one.kind === roleRef.kind &&
          one.metadata.name === roleRef.name &&
          (roleRef.kind === 'ClusterRole' || one.metadata.namespace === metadata.namespace),
      );
      if (role === undefined) throw new Error(`${metadata.name} binds the ${roleRef.kind} ${roleRef.name}: not there`);
      return listRights(role.rules as Rule[], metadata.namespace);
    });
  return [...new Set(rights)].sort();
}

/** @param namespace undefined: all. */
export function listRights(rules: readonly Rule[], namespace?: string): string[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          (resourceNames.length === 0 ? [''] : resourceNames).map((name) => {
            const of = group === '' ? resource : `${resource}.${group}`;
            return `${namespace ?? '*'} ${verb} ${of}${name === '' ? '' : ` ${name}`}`;
          }),
        ),
      ),
    ),
  );
}
