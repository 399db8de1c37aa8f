import { AgentError } from '../errors.ts';

/** @throws AgentError `ERR_CONFIG` */
export function parseServiceAccount(text: string): { readonly namespace: string; readonly name: string } {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw new AgentError('ERR_CONFIG', `"${text}" names no service account`, { remedy: 'write it like shop/web' });
}
