/** What the API calls a resource: the plural, in its group and version. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  /** `certificaterequests`. */
  readonly resource: string;
  /** Undefined: it has none. */
  readonly namespace?: string | undefined;
}

/**
 * The path of all objects of a resource, of one of them, or of a part of it: `/apis/GROUP/VERSION/namespaces/NS/RESOURCE/NAME/PART`.
 *
 * @param part a subresource: `status`, `approval`.
 */
export function makePath({ group, version, resource, namespace }: Resource, name?: string, part?: string): string {
  const parts = [
    ...(group === '' ? ['api'] : ['apis', group]),
    version,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
    ...(part === undefined ? [] : [part]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** What a rule of RBAC says to allow one call. */
export interface NeededRule {
  readonly group: string;
  /** With its subresource: `certificatesigningrequests/approval`. */
  readonly resource: string;
  readonly verb: string;
  /** Undefined: it takes a ClusterRole. */
  readonly namespace: string | undefined;
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** The rule that a call needs; undefined when the path is none of a resource. */
export function findNeededRule(method: string, path: string, isWatch: boolean): NeededRule | undefined {
  const parts = path.slice(1).split('/').map(decodeURIComponent);
  const [root, ...afterRoot] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'api' ? '' : (afterRoot.shift() ?? '');
  afterRoot.shift();
  const isNamespaced = afterRoot[0] === 'namespaces' && afterRoot.length > 2;
  const namespace = isNamespaced ? afterRoot.splice(0, 2)[1] : undefined;
  const [resource, name, part] = afterRoot;
  if (resource === undefined) return undefined;
  const reading = isWatch ? 'watch' : name === undefined ? 'list' : 'get';
  const verb = VERBS[method] ?? reading;
  return { group, resource: part === undefined ? resource : `${resource}/${part}`, verb, namespace };
}

/** One line: where to grant what. */
export function describeRule({ group, resource, verb, namespace }: NeededRule): string {
  const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
  return namespace === undefined ? `in a ClusterRole: ${rule}` : `in a Role of the namespace "${namespace}": ${rule}`;
}
