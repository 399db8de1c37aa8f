import { Document, isCollection, isMap, isSeq, type Node, type Scalar } from 'yaml';
import { readNote } from './note.ts';

/** Up to so many characters of JSON stand on one line. */
const SHORT = 76;

/**
 * YAML of plain data, each note as a comment above its block. Keys without a value are left out.
 *
 * Envoy reads scalars by YAML 1.1, in which a service named `on` or `y` would be a boolean, so they are quoted by it.
 */
export function renderYaml(data: object): string {
  const document = new Document(data, { version: '1.1', aliasDuplicateObjects: false });
  comment(document, data);
  layOut(document.contents, data);
  return document.toString({ lineWidth: 0 });
}

/** Goes through the nodes and what they were made of side by side. */
function layOut(node: unknown, data: unknown): void {
  if (!isCollection(node)) return;
  const values = data as Readonly<Record<string | number, unknown>>;
  if (isMap<Scalar<string>>(node)) {
    for (const { key, value } of node.items) {
      comment(key, values[key.value]);
      layOut(value, values[key.value]);
    }
  } else if (isSeq<Node>(node)) {
    node.items.forEach((item, index) => {
      comment(item, values[index]);
      layOut(item, values[index]);
    });
  }
  node.flow = JSON.stringify(data).length <= SHORT && !holdsNote(data);
}

function comment(target: { commentBefore?: string | null }, value: unknown): void {
  const text = readNote(value);
  if (text !== undefined) target.commentBefore = text.replaceAll(/^(?=.)/gm, ' ');
}

function holdsNote(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  return Object.values(data).some((value) => readNote(value) !== undefined || holdsNote(value));
}
