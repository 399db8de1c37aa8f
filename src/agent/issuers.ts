import { isDeepStrictEqual } from 'node:util';
import type { Backend } from '../config/config.ts';
import type { Issuer, IssuerContext } from '../issuer/issuer.ts';
import { openIssuer } from '../issuer/open.ts';

/** The issuers of the backends in use, each opened when it is first needed, and closed when its backend changes. */
export interface Issuers {
  get(backend: Backend): Promise<Issuer>;
  /** Closes those whose backend is gone or another one now. */
  keep(backends: readonly Backend[]): Promise<void>;
}

export function openIssuers(makeContext: (backend: Backend) => IssuerContext): Issuers {
  let opened: { readonly backend: Backend; readonly issuer: Promise<Issuer> }[] = [];
  return {
    get(backend) {
      const found = opened.find((one) => isDeepStrictEqual(one.backend, backend));
      if (found !== undefined) return found.issuer;
      const issuer = openIssuer(backend.issuer, makeContext(backend));
      opened.push({ backend, issuer });
      return issuer;
    },
    async keep(backends) {
      const isKept = (backend: Backend) => backends.some((one) => isDeepStrictEqual(one, backend));
      const leaving = opened.filter(({ backend }) => !isKept(backend));
      opened = opened.filter(({ backend }) => isKept(backend));
      await Promise.all(leaving.map(async ({ issuer }) => (await issuer).close()));
    },
  };
}
