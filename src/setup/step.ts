/** What is there now. */
export type Found =
  | { readonly state: 'absent' }
  | { readonly state: 'as wanted' }
  /** It is there, and is not as we would make it: a line for each difference. */
  | { readonly state: 'differs'; readonly differences: readonly string[] }
  /** It was begun, and goes on when somebody else has done something; `make` tells again what. */
  | { readonly state: 'waits'; readonly forWhat: string };

/** One thing that the side of the CA needs, as it is done over an API by an administrator. */
export interface SetupStep<Admin> {
  /** `role kuma-pki-default/roles/dataplanes` */
  readonly what: string;
  look(admin: Admin): Promise<Found>;
  /** Whether `make` brings in line what is there and differs; else somebody has to take that away first. */
  readonly canChange: boolean;
  /** Makes it, or brings it in line. @returns what has to be told to a person, if anything. */
  make(admin: Admin): Promise<string | undefined>;
}

/** How a step ended. */
export interface Done {
  readonly what: string;
  readonly result: 'made' | 'changed' | 'unchanged' | 'differs' | 'waits' | 'denied';
  /** What a person has to know: differences, a request to be signed. */
  readonly notes: readonly string[];
}
