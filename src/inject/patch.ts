/** From the pod inwards; `-` is the place behind the end of a list. */
export type PatchPath = readonly (string | number)[];

/** The one operation of JSON Patch that injection needs (RFC 6902, 4.1): nothing of a pod is changed or removed. */
export interface Operation {
  readonly op: 'add';
  readonly path: PatchPath;
  readonly value: unknown;
}

/** Collects operations, each of which fits what those before it have made. */
export interface Draft {
  readonly operations: readonly Operation[];
  /** Puts a value under a key of a mapping, which is made when it is missing. */
  put(mapping: PatchPath, key: string, value: unknown): void;
  /** Puts values behind the end of a list, which is made when it is missing. */
  append(list: PatchPath, ...values: readonly unknown[]): void;
  /** Puts values before the first of a list, which is made when it is missing. */
  prepend(list: PatchPath, ...values: readonly unknown[]): void;
}

export function draftPatch(original: object): Draft {
  const root: unknown = structuredClone(original);
  const operations: Operation[] = [];
  const find = (path: PatchPath) => path.reduce<unknown>((node, key) => (node as Node | undefined)?.[key], root);

  function add(path: PatchPath, value: unknown): void {
    const parent = find(path.slice(0, -1)) as Node;
    const key = path.at(-1) as string | number;
    if (!Array.isArray(parent)) parent[key] = structuredClone(value);
    else if (key === '-') parent.push(structuredClone(value));
    else parent.splice(Number(key), 0, structuredClone(value));
    operations.push({ op: 'add', path, value });
  }

  function ensure(path: PatchPath, empty: object): void {
    if ((find(path) ?? null) !== null) return;
    if (path.length > 1) ensure(path.slice(0, -1), {});
    add(path, empty);
  }

  return {
    operations,
    put(mapping, key, value) {
      ensure(mapping, {});
      add([...mapping, key], value);
    },
    append(list, ...values) {
      ensure(list, []);
      for (const value of values) add([...list, '-'], value);
    },
    prepend(list, ...values) {
      ensure(list, []);
      values.forEach((value, index) => {
        add([...list, index], value);
      });
    },
  };
}

type Node = Record<string | number, unknown>;

/** As JSON Patch writes it: paths as JSON pointers (RFC 6901). */
export function renderPatch(operations: readonly Operation[]): string {
  const toToken = (key: string | number) => String(key).replaceAll('~', '~0').replaceAll('/', '~1');
  return JSON.stringify(operations.map((one) => ({ ...one, path: `/${one.path.map(toToken).join('/')}` })));
}
