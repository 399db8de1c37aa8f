/**
 * What the signer of a mesh and the agents that ask it agree on.
 *
 * @module
 */

/** The `signerName` of the requests that the signer of a mesh answers. */
export function signerNameOf(mesh: string): string {
  return `meshcert.io/${mesh}`;
}

/** On a request: the backend of the Mesh that is to sign it. Without it, the enabled one does. */
export const BACKEND_ANNOTATION = 'meshcert.io/backend';

/** The ConfigMap, in the signer's namespace, in which it publishes what peers are to trust. */
export function trustConfigMapOf(mesh: string): string {
  return `meshcert-trust-${mesh}`;
}

/** Its key with the CA certificates of all backends, PEM. */
export const TRUST_KEY = 'ca.crt';

/** Its key with the CA certificates of one backend, PEM. */
export function trustKeyOf(backend: string): string {
  return `backend-${backend}.crt`;
}

/** The path of the SPIFFE IDs that the signer gives, unless it is told otherwise: the form of SPIRE and Istio. */
export const IDENTITY_TEMPLATE = '/ns/{namespace}/sa/{serviceAccount}';

/** Where the signer lives unless the configuration says otherwise. */
export const SIGNER_NAMESPACE = 'meshcert-system';
