import { type JsonResponse, requestJson } from './request-json.ts';

export interface ClusterAddress {
  readonly url: string;
  /** CA of the API server's certificate. */
  readonly caPem: string;
  readonly caFile: string;
  /** A bearer token of the group system:masters. */
  readonly adminToken: string;
}

export interface TokenOptions {
  /** Default: the API server's own audience. */
  readonly audiences?: readonly string[];
  /** Default 3600. The API server refuses less than 600. */
  readonly expirationSeconds?: number;
  /** It ends with this pod. Default: with the account. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** A real API server, seen by its administrator. Every method but `api` rejects when the answer is no success. */
export interface Cluster extends ClusterAddress {
  /** One call, `path` with its leading slash. Resolves whatever the status is. */
  api<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<JsonResponse<T>>;
  createNamespace(name: string): Promise<void>;
  createServiceAccount(namespace: string, name: string): Promise<void>;
  /** Tokens of the account are refused from then on. */
  deleteServiceAccount(namespace: string, name: string): Promise<void>;
  /** A bound token as the kubelet projects it into pods (TokenRequest). */
  createToken(namespace: string, name: string, options?: TokenOptions): Promise<string>;
  bindClusterRole(clusterRole: string, namespace: string, serviceAccount: string): Promise<void>;
}

export function kubeClient(address: ClusterAddress): Cluster {
  const api = <T>(method: string, path: string, body?: unknown): Promise<JsonResponse<T>> =>
    requestJson<T>(`${address.url}${path}`, {
      method,
      body,
      caPem: address.caPem,
      headers: { authorization: `Bearer ${address.adminToken}` },
    });
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await api<T>(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const accounts = (namespace: string) => `/api/v1/namespaces/${namespace}/serviceaccounts`;
  return {
    ...address,
    api,
    createNamespace: async (name) => {
      await call('POST', '/api/v1/namespaces', { metadata: { name } });
    },
    createServiceAccount: async (namespace, name) => {
      await call('POST', accounts(namespace), { metadata: { name } });
    },
    deleteServiceAccount: async (namespace, name) => {
      await call('DELETE', `${accounts(namespace)}/${name}`);
    },
    createToken: async (namespace, name, { audiences, expirationSeconds, pod } = {}) => {
      const boundObjectRef = pod && { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid };
      const body = { spec: { audiences, expirationSeconds, boundObjectRef } };
      const path = `${accounts(namespace)}/${name}/token`;
      return (await call<{ status: { token: string } }>('POST', path, body)).status.token;
    },
    bindClusterRole: async (clusterRole, namespace, serviceAccount) => {
      await call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: `${clusterRole}:${namespace}:${serviceAccount}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterRole },
        subjects: [{ kind: 'ServiceAccount', namespace, name: serviceAccount }],
      });
    },
  };
}
