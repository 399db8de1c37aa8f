import { type Document, isMap, isScalar, isSeq, type Node, type Pair, visit, type YAMLMap } from 'yaml';
import { AgentError } from '../errors.ts';

/**
 * Puts what aliases and merge keys stand for in their place, and takes the anchors away, so that a change in one place
 * changes no other. Comments stay. The document has to be parsed with `merge`.
 *
 * @throws AgentError `ERR_CONFIG` for an alias of what it stands in.
 */
export function writeOutAliases(document: Document): void {
  // In the order of the document: what an alias stands for comes before it, and is plain by then.
  visit(document, {
    Alias(_key, alias, parents) {
      const source = alias.resolve(document);
      if (source === undefined || parents.includes(source)) {
        throw new AgentError('ERR_CONFIG', `the alias *${alias.source} stands for what it is a part of`);
      }
      const copy = source.clone() as Node;
      dropAnchors(copy);
      return copy;
    },
  });
  dropAnchors(document);
  visit(document, { Map: (_key, map) => writeOutMerges(map) });
}

function dropAnchors(node: Node | Document): void {
  visit(node as Node, {
    Value(_key, value) {
      delete value.anchor;
    },
  });
}

/** https://yaml.org/type/merge.html: own keys go before merged ones, and what is merged first before what is merged later. */
function writeOutMerges(map: YAMLMap): void {
  if (!map.items.some(isMerge)) return;
  const known = new Set(map.items.filter((pair) => !isMerge(pair)).map(nameOf));
  map.items = map.items.flatMap((pair) => {
    if (!isMerge(pair)) return [pair];
    const sources = (isSeq(pair.value) ? pair.value.items : [pair.value]).filter((one) => isMap(one));
    return sources.flatMap((source) => {
      writeOutMerges(source);
      const added = source.items.filter((one) => !known.has(nameOf(one)));
      for (const one of added) known.add(nameOf(one));
      return added;
    });
  });
}

/** `<<`, unless it is quoted. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}

function nameOf({ key }: Pair): unknown {
  return isScalar(key) ? key.value : key;
}
