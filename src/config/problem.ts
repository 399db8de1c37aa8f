import type { Problem } from './config.ts';

/** Keys and list positions from the top of a document. */
export type Path = readonly (string | number)[];

/** `mesh.yaml:12: mtls.backends[0].type: expected ..., got "valt"; did you mean "vault"?` */
export function formatProblem({ file, line, key, message, hint, severity }: Problem): string {
  const where = line > 0 ? `${file}:${line}` : file;
  const said = [severity === 'warning' ? 'warning' : '', key, message].filter((part) => part !== '').join(': ');
  return hint === undefined ? `${where}: ${said}` : `${where}: ${said}; ${hint}`;
}

/** `mtls.backends[0].conf`, `tags["kuma.io/service"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\w-]+$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}
