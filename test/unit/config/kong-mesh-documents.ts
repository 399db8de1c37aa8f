/**
 * Meshes word for word as the documentation of Kong Mesh and Kuma has them, comments included.
 *
 * @module
 */

/** Kong Mesh 1.0, "Vault CA Backend", Kubernetes. */
export const VAULT_KUBERNETES = `apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata:
  name: default
spec:
  mtls:
    enabledBackend: vault-1
    backends:
      - name: vault-1
        type: vault
        dpCert:
          rotation:
            expiration: 1d # must be lower than max_ttl in Vault role
        conf:
          fromCp:
            address: https://vault.8200
            agentAddress: "" # optional
            namespace: "" # optional
            tls:
              caCert:
                secret: sec-1
              skipVerify: false # if set to true, caCert is optional. Set to true only for development
              serverName: "" # verify sever name
            auth: # only one auth options is allowed so it's either "token" or "tls"
              token:
                secret: token-1  # can be file, secret or inline
              tls:
                clientKey:
                  secret: sec-2  # can be file, secret or inline
                clientCert:
                  file: /tmp/cert.pem # can be file, secret or inline
`;

/** The same, Universal. */
export const VAULT_UNIVERSAL = `type: Mesh
name: default
mtls:
  enabledBackend: vault-1
  backends:
  - name: vault-1
    type: vault
    dpCert:
      rotation:
        expiration: 24h # must be lower than max_ttl in Vault role
    conf:
      fromCp:
        address: https://vault.8200
        agentAddress: "" # optional
        namespace: "" # optional
        tls:
          caCert:
            secret: sec-1
          skipVerify: false # if set to true, caCert is optional. Set to true only for development
          serverName: "" # verify sever name
        auth: # only one auth options is allowed so it's either "token" or "tls"
          token:
            secret: token-1  # can be file, secret or inline
          tls:
            clientKey:
              secret: sec-2  # can be file, secret or inline
            clientCert:
              file: /tmp/cert.pem # can be file, secret or inline
`;

/** What stands under `auth` as its comment wants it: the token alone. */
export function keepToken(mesh: string): string {
  return mesh.replace(/\n +tls:\n +clientKey:[\s\S]*$/, '\n');
}

/** What stands under `auth` as its comment wants it: the client certificate alone. */
export function keepClientCertificate(mesh: string): string {
  return mesh.replace(/\n +token:\n +secret: token-1.*/, '');
}

/** Every type of backend, with every key that is documented for it, none of them enabled but the first. */
export const EVERY_BACKEND = `type: Mesh
name: default
creationTime: "2026-01-01T00:00:00Z"
mtls:
  enabledBackend: vault-1
  skipValidation: true
  backends:
  - name: vault-1
    type: vault
    mode: PERMISSIVE
    dpCert:
      rotation: {expiration: 24h}
      requestTimeout: 5s
    rootChain: {requestTimeout: 5s}
    conf:
      fromCp:
        address: https://vault.example:8200
        agentAddress: ""
        namespace: admin/mesh
        pki: kmesh-pki-default
        role: dataplane-proxies
        tls:
          skipVerify: false
          caCert:
            inlineString: "-----BEGIN CERTIFICATE-----"
          serverName: vault.internal
        auth:
          token:
            file: token
  - name: builtin-1
    type: builtin
    conf: {caCert: {RSAbits: 2048, expiration: 10y}}
  - name: provided-1
    type: provided
    conf:
      cert: {secret: my-cert}
      key: {inline: LS0tLS1CRUdJTg==}
  - name: acmpca-1
    type: acmpca
    conf:
      arn: "arn:aws:acm-pca:region:account:certificate-authority/12345678-1234-1234-1234-123456789012" # AWS ARN
      commonName: '{{ tag "kuma.io/service" }}.mesh'
      caCert:
        secret: sec-1     # one of file, secret or inline.
      auth: # Optional AWS authentication keys.
        awsCredentials:
          accessKey:
            secret: sec-2  # one of file, secret or inline.
          accessKeySecret:
            file: /tmp/accesss_key.txt # one of file, secret or inline.
  - name: certmanager-1
    type: certmanager
    conf:
      issuerRef:
        name: my-ca-issuer
        kind: Issuer
        group: cert-manager.io
      caCert: # can be used to specify the root CA
        inlineString: |
          -----BEGIN CERTIFICATE-----
          ...
  - name: vault-aws
    type: vault
    conf:
      fromCp:
        address: https://vault.example:8200
        agentAddress: http://127.0.0.1:8100
        commonName: '{{ tag "kuma.io/service" | replace "_" "-" }}.mesh'
        auth:
          aws: {type: EC2, role: role-name, iamServerIdHeader: example.com}
  - name: vault-tls
    type: vault
    conf:
      fromCp:
        address: https://vault.example:8200
        auth:
          tls:
            clientKey: {secret: sec-2}
            clientCert: {file: /tmp/cert.pem}
            aws: # the Universal sample has it here
              type: IAM
tracing: {defaultBackend: jaeger, backends: [{name: jaeger, type: zipkin, conf: {url: "http://jaeger:9411"}}]}
logging: {backends: [{name: file, type: file, conf: {path: /dev/stdout}}]}
metrics: {enabledBackend: prometheus-1}
routing: {localityAwareLoadBalancing: true}
constraints: {dataplaneProxy: {requirements: [{tags: {kuma.io/zone: east}}]}}
networking: {outbound: {passthrough: false}}
`;
