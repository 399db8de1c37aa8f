import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document as YamlDocument } from 'yaml';
import type { Problem } from './config.ts';
import type { Path } from './problem.ts';

export interface Source {
  /** As the user named it; `MESHCERT_CONFIG` for the environment. */
  readonly file: string;
  /** YAML, any number of documents. */
  readonly text: string;
}

export interface Document {
  readonly file: string;
  /** Plain data: mappings, lists, text, numbers, booleans, null. */
  readonly value: unknown;
  /** The line (from 1) of the key at this path, or of the nearest thing around it that exists. */
  locate(path: Path): number;
}

/**
 * Parses YAML 1.2. Mistakes of syntax become problems; a document whose data is uncertain because of one is left out,
 * and `isComplete` is false.
 */
export function parseDocuments({ file, text }: Source): {
  documents: Document[];
  problems: Problem[];
  isComplete: boolean;
} {
  const lines = new LineCounter();
  // The library's own messages are not used: with its pretty ones it would quote lines, and with these perhaps a token.
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: 'silent' });
  const all: YamlDocument.Parsed[] = [...parsed];
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const documents: Document[] = [];
  const problems: Problem[] = [];
  let isComplete = true;
  for (const document of all) {
    const wrong = [...document.errors, ...document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')];
    const told = new Set<number>();
    for (const { code, pos } of wrong) {
      const line = lineAt(pos[0]);
      // What the parser stumbles over next on the same line follows from the first.
      if (!told.has(line)) problems.push({ file, line, key: '', severity: 'error', message: explain(code) });
      told.add(line);
    }
    if (wrong.some(({ code }) => code !== 'DUPLICATE_KEY')) {
      isComplete = false;
      continue;
    }
    try {
      const value: unknown = document.toJS();
      if (value !== null) documents.push({ file, value, locate: (path) => lineAt(findOffset(document, path)) });
    } catch {
      // An alias without its anchor, or aliases that multiply without bounds; the library's message quotes names.
      const line = lineAt(document.contents?.range[0] ?? 0);
      problems.push({ file, line, key: '', severity: 'error', message: 'an alias (*name) here cannot be resolved' });
      isComplete = false;
    }
  }
  return { documents, problems, isComplete };
}

function findOffset(document: YamlDocument.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key));
      if (pair === undefined) return offset;
      offset = readOffset(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = readOffset(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function readOffset(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0];
}

/** In our own words, without what stands in the file. */
function explain(code: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'this key stands twice in its mapping';
    case 'TAB_AS_INDENT':
      return 'YAML does not allow tabs as indentation; use spaces';
    case 'BAD_INDENT':
      return 'malformed YAML: the indentation does not fit what stands above, or a bracket is not closed';
    case 'MISSING_CHAR':
      return 'malformed YAML: a character is missing here, such as a closing quote or bracket, a ":" or a space';
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'malformed YAML: expected "key: value"; put text that holds ": " in quotes';
    case 'BAD_SCALAR_START':
      return 'malformed YAML: put text that starts with @, `, %, |, > or & in quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'malformed YAML: an unknown tag (a word that starts with "!"); put such text in quotes';
    case 'BAD_DQ_ESCAPE':
      return 'malformed YAML: an unknown escape (\\) in double quotes; use single quotes';
    default:
      return `malformed YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
  }
}
