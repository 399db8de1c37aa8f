/** Documents as a user of Kong Mesh or Kuma has them, of the mesh `default`. */

export interface VaultMeshOptions {
  readonly address: string;
  /** YAML of what stands under `auth`, on one line: `{token: {file: /x}}`. */
  readonly auth: string;
  /** Default `1d`, as in Kong Mesh's document. */
  readonly expiration?: string;
  /** Default: left out. */
  readonly pki?: string | undefined;
  readonly role?: string;
  /** File of the CA of Vault's TLS certificate. */
  readonly caFile?: string | undefined;
  /** Default: left out. */
  readonly requestTimeout?: string;
}

/** A Mesh with a Vault backend in Kong Mesh's Kubernetes form; `auth` is ours to choose. */
export function renderVaultMesh(options: VaultMeshOptions): string {
  const { address, auth, expiration = '1d', pki, role, caFile, requestTimeout } = options;
  const lines = [
    'apiVersion: kuma.io/v1alpha1',
    'kind: Mesh',
    'metadata:',
    '  name: default',
    'spec:',
    '  mtls:',
    '    enabledBackend: vault-1',
    '    backends:',
    '      - name: vault-1',
    '        type: vault',
    '        dpCert:',
    ...(requestTimeout === undefined ? [] : [`          requestTimeout: ${requestTimeout}`]),
    '          rotation:',
    `            expiration: ${expiration}`,
    '        conf:',
    '          fromCp:',
    `            address: ${JSON.stringify(address)}`,
    ...(pki === undefined ? [] : [`            pki: ${pki}`]),
    ...(role === undefined ? [] : [`            role: ${role}`]),
    ...(caFile === undefined ? [] : ['            tls:', '              caCert:', `                file: ${caFile}`]),
    `            auth: ${auth}`,
  ];
  return lines.join('\n');
}

/** What stands under `auth` for a service account. */
export function renderKubernetesAuth(options: {
  readonly role: string;
  readonly tokenPath: string;
  readonly audience?: string;
  /** Default: left out. */
  readonly mountPath?: string;
}): string {
  const { role, tokenPath, audience, mountPath } = options;
  const parts = [
    `role: ${role}`,
    `tokenPath: ${tokenPath}`,
    ...(audience === undefined ? [] : [`audience: ${audience}`]),
    ...(mountPath === undefined ? [] : [`mountPath: ${mountPath}`]),
  ];
  return `{kubernetes: {${parts.join(', ')}}}`;
}

/** A Mesh with the embedded CA. */
export function renderBuiltinMesh(expiration: string): string {
  return `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: builtin, dpCert: {rotation: {expiration: ${expiration}}}}`;
}

/** A Mesh with a CA that the user provides, in two files. */
export function renderProvidedMesh(certFile: string, keyFile: string, expiration = '1h'): string {
  const conf = `{cert: {file: ${certFile}}, key: {file: ${keyFile}}}`;
  return `type: Mesh
name: default
mtls:
  enabledBackend: ca-1
  backends:
  - {name: ca-1, type: provided, dpCert: {rotation: {expiration: ${expiration}}}, conf: ${conf}}`;
}

/** A Mesh with a CA of AWS Private CA. */
export function renderAcmPcaMesh(
  arn: string,
  options: {
    readonly mesh?: string;
    readonly expiration?: string;
    readonly requestTimeout?: string;
    readonly conf?: string;
  } = {},
): string {
  const { mesh = 'default', expiration = '1h', requestTimeout = '10s', conf = '' } = options;
  return `type: Mesh
name: ${mesh}
mtls:
  enabledBackend: aws-1
  backends:
  - name: aws-1
    type: acmpca
    dpCert: {requestTimeout: ${requestTimeout}, rotation: {expiration: ${expiration}}}
    conf: {arn: "${arn}"${conf === '' ? '' : `, ${conf}`}}`;
}
