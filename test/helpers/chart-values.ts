/** Values of our chart, from the least that it takes to all that it has. */

const image = { repository: 'registry.example/meshcert' };

/** Of the mesh `default`, with a CA that lives in the cluster. */
export const SIGNED_MESH = {
  type: 'Mesh',
  name: 'default',
  mtls: {
    enabledBackend: 'ca-1',
    backends: [{ name: 'ca-1', type: 'builtin', dpCert: { rotation: { expiration: '1h' } } }],
  },
};

/** In the form of Kubernetes. */
const VAULT_MESH = {
  apiVersion: 'kuma.io/v1alpha1',
  kind: 'Mesh',
  metadata: { name: 'payments' },
  spec: {
    mtls: {
      enabledBackend: 'vault-1',
      backends: [
        {
          name: 'vault-1',
          type: 'vault',
          dpCert: { rotation: { expiration: '1d' } },
          conf: {
            fromCp: {
              address: 'https://vault.example:8200',
              tls: { caCert: { file: '/etc/meshcert/vault-ca.pem' } },
              auth: { kubernetes: { role: 'web', tokenPath: '/var/run/secrets/tokens/vault', audience: 'vault' } },
            },
          },
        },
      ],
    },
  },
};

/** Brought by somebody, in a Secret of the signer's namespace. */
const PROVIDED_MESH = {
  type: 'Mesh',
  name: 'legacy',
  mtls: {
    enabledBackend: 'ours',
    backends: [
      { name: 'ours', type: 'provided', conf: { cert: { secret: 'legacy-ca' }, key: { secret: 'legacy-ca-key' } } },
      { name: 'old', type: 'provided', conf: { cert: { secret: 'old-ca' } } },
    ],
  },
};

/** A CA that is elsewhere. */
export const LEAST = { image, meshes: [VAULT_MESH] };

export const WITH_SIGNER = { image, meshes: [SIGNED_MESH], signer: { enabled: true } };

export const WITH_MONITORING = {
  ...WITH_SIGNER,
  inspect: { enabled: true },
  monitoring: {
    podMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s' },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '1m30s' },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    grafanaDashboard: { enabled: true, annotations: { grafana_folder: 'meshcert' } },
  },
};

const placed = {
  replicas: 3,
  logLevel: 'debug',
  resources: { requests: { cpu: '1' } },
  priorityClassName: 'system-cluster-critical',
  podDisruptionBudget: { maxUnavailable: '50%' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'control-plane', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: {} },
  podLabels: { team: 'sre' },
  podAnnotations: { 'example.org/note': 'yes: "quoted"' },
};

/** Nothing as it is by default. */
export const EVERYTHING = {
  ...WITH_MONITORING,
  fullnameOverride: 'certs',
  image: {
    ...image,
    tag: 'latest',
    digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
    pullPolicy: 'IfNotPresent',
    pullSecrets: [{ name: 'registry' }],
  },
  envoy: { image: 'registry.example/envoy:1.40' },
  meshes: [SIGNED_MESH, VAULT_MESH, PROVIDED_MESH],
  agent: { mesh: 'default', trustDomain: 'example.org', keyType: 'ec-p384', tags: { zone: '1' } },
  webhook: {
    ...placed,
    failurePolicy: 'Ignore',
    timeoutSeconds: 5,
    excludedNamespaces: ['istio-system', 'kube-system'],
    namespaceSelector: [{ key: 'stage', operator: 'In', values: ['test'] }],
    sidecar: 'native',
    configMap: 'meshcert',
    certificateExpiration: '1d12h',
  },
  signer: { enabled: true, ...placed, allowedNamespaces: ['shop', 'bank'] },
  networkPolicy: {
    apiServerPorts: [16_443],
    telemetryFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
  },
  test: { namespace: 'shop', serviceAccountName: 'web' },
};

/** By what they are called in tests. */
export const VALUE_SETS = {
  'the least': LEAST,
  'with a signer': WITH_SIGNER,
  'with monitoring': WITH_MONITORING,
  everything: EVERYTHING,
  'one replica, and no network policies': {
    ...LEAST,
    webhook: { replicas: 1 },
    networkPolicy: { enabled: false },
  },
};
