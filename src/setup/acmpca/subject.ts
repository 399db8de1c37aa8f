import type { AcmPcaConfig } from '../../issuer/acmpca/config.ts';

/** What AWS is to be set up for. */
export interface SetupSubject {
  readonly acmpca: AcmPcaConfig;
  readonly mesh: string;
  /** SPIFFE ID, for the reader. */
  readonly spiffeId: string;
  readonly ttlSeconds: number;
}

export interface SetupChoices {
  /** A CA is to be made where there is none; else there is one. */
  readonly makesCa: boolean;
  /** Name of the IAM role of the agent. Undefined: the reader attaches the policy. */
  readonly role: string | undefined;
}

/** Of the IAM policy of the agents of a mesh. */
export function namePolicy({ mesh }: Pick<SetupSubject, 'mesh'>): string {
  return `meshcert-${mesh}`;
}
