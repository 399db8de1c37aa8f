import type { Condition, KubernetesObject, ObjectMetadata } from './objects.ts';
import { makePath } from './paths.ts';

/** A CertificateSigningRequest of `certificates.k8s.io/v1`, as the API server stores it. */
export interface SigningRequest extends KubernetesObject {
  readonly metadata: ObjectMetadata & { readonly name: string };
  readonly spec: SigningRequestSpec;
  readonly status?: {
    /** `Approved`, `Denied`, `Failed`; the first two exclude each other, and none is ever taken back. */
    readonly conditions?: readonly Condition[];
    /** Base64 of PEM, the leaf first. */
    readonly certificate?: string;
  };
}

export interface SigningRequestSpec {
  /** Base64 of PEM. */
  readonly request: string;
  readonly signerName: string;
  readonly usages?: readonly string[];
  readonly expirationSeconds?: number;
  /** Who asks. These three the API server records itself, whatever the requester wrote there. */
  readonly username?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The API server takes no `expirationSeconds` below. */
export const LEAST_EXPIRATION_SECONDS = 600;

/** What an X.509-SVID is used for (X509-SVID, 4.3 and 4.4), in the words of this API. */
export const SVID_USAGES = ['digital signature', 'key encipherment', 'server auth', 'client auth'] as const;

/** Requests have no namespace. @param part `approval` or `status`. */
export function signingRequestPath(name?: string, part?: 'approval' | 'status'): string {
  const resource = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' };
  return makePath(resource, name, part);
}

export function findCondition(
  { status }: Pick<SigningRequest, 'status'>,
  type: 'Approved' | 'Denied' | 'Failed',
): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}
