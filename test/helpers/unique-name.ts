import { randomBytes } from 'node:crypto';

/** A name that no other test uses, fit for mounts, meshes, namespaces and service accounts: `web-3f9a01c2`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}
