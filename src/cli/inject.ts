import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Document, isSeq } from 'yaml';
import { AgentError } from '../errors.ts';
import { injectPod } from '../inject/inject-pod.ts';
import type { Operation } from '../inject/patch.ts';
import type { InjectSettings } from '../inject/settings.ts';
import type { Edge, ExitCode } from './edge.ts';
import { readManifests } from './manifests.ts';
import { type InjectionOptions, openInjection } from './open-injection.ts';
import { writeOutAliases } from './write-out-aliases.ts';

export interface InjectOptions extends InjectionOptions {
  /** Manifests; `-` is the standard input. */
  readonly manifests: readonly string[];
  readonly sidecar: InjectSettings['sidecar'];
  /** Of what names none. */
  readonly namespace: string;
}

/**
 * Prints the manifests with an agent in every pod that wants one: in their order, with their comments. What is not
 * touched is printed as it stands. Nothing is printed when a pod is refused.
 *
 * @throws AgentError `ERR_CONFIG`
 */
export async function inject(options: InjectOptions, edge: Edge): Promise<ExitCode> {
  const settings = await openInjection(options, options.sidecar, edge);
  if (settings === undefined) return 2;
  const files = options.manifests.map((file) => ({ file, text: readManifest(file, edge) }));
  const read = files.map(({ file, text }) => ({ file, text, ...readManifests(text, file) }));
  const known = read.flatMap(({ namespaces }) => namespaces);
  const changed = new Set<Document>();
  for (const { file, pods } of read) {
    for (const { document, path, what, namespace = options.namespace, pod } of pods) {
      try {
        const home = known.find(({ name }) => name === namespace) ?? { name: namespace, metadata: {} };
        const { operations, warnings } = injectPod({ pod, namespace: home, otherwise: true }, settings);
        if (operations.length > 0 && !changed.has(document)) writeOutAliases(document);
        for (const operation of operations) apply(document, { ...operation, path: [...path, ...operation.path] });
        if (operations.length > 0) changed.add(document);
        for (const warning of warnings) edge.writeError(`${file}: ${what}: ${warning}\n`);
      } catch (thrown) {
        const { code, message, remedy } = AgentError.from(thrown);
        throw new AgentError(code, `${file}: ${what}: ${message}`, remedy === undefined ? {} : { remedy });
      }
    }
  }
  edge.writeOut(read.map(({ text, documents }) => render(text, documents, changed)).join('---\n'));
  return 0;
}

function readManifest(file: string, edge: Edge): string {
  const path = file === '-' ? 0 : resolve(edge.currentDirectory, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AgentError('ERR_CONFIG', `cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : code}`, {
      remedy: 'name files that you may read with -f, or - for what is piped in',
    });
  }
}

/** Keeps comments and the order of keys. */
function apply(document: Document, { path, value }: Operation): void {
  const list = path.slice(0, -1);
  const key = path.at(-1) as string | number;
  const parent = document.getIn(list, true);
  const node = document.createNode(value);
  if (!isSeq(parent)) document.setIn(path, node);
  else if (key === '-') parent.items.push(node);
  else parent.items.splice(Number(key), 0, node);
}

/** What was not changed keeps every blank. */
function render(text: string, documents: readonly Document[], changed: ReadonlySet<Document>): string {
  let end = 0;
  const parts = documents.map((document) => {
    const start = end;
    end = document.range?.[2] ?? text.length;
    return changed.has(document) ? document.toString({ lineWidth: 0 }) : text.slice(start, end);
  });
  return parts.map((part) => (part.endsWith('\n') ? part : `${part}\n`)).join('');
}
