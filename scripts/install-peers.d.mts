export type PeerName =
  | 'vault'
  | 'kube-apiserver'
  | 'etcd'
  | 'cert-manager'
  | 'helm'
  | 'envoy'
  | 'spiffe-client'
  | 'py-spiffe'
  | 'acmpca';

export function peerPaths(environment?: NodeJS.ProcessEnv): Record<PeerName, string>;
export function installPeers(
  say: (line: string) => void,
  environment?: NodeJS.ProcessEnv,
): Promise<Record<PeerName, string>>;
