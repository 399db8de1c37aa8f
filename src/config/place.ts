import type { Problem } from './config.ts';
import { formatPath, type Path } from './problem.ts';

/** What was found so far, in all documents together. */
export interface Findings {
  readonly problems: Problem[];
  /** Topics of warnings that are given once, however often their cause stands there. */
  readonly saidOnce: Set<string>;
}

/** What a place needs to know of its document. */
interface Located {
  readonly file: string;
  locate(path: Path): number;
}

/** A spot in a document, where mistakes can be found. */
export class Place {
  readonly #document: Located;
  readonly #path: Path;
  readonly #findings: Findings;

  constructor(document: Located, findings: Findings, path: Path = []) {
    this.#document = document;
    this.#findings = findings;
    this.#path = path;
  }

  /** Further inside. */
  at(...keys: Path): Place {
    return new Place(this.#document, this.#findings, [...this.#path, ...keys]);
  }

  /** A spot in what is no document, such as the environment. */
  outside(name: string): Place {
    return new Place({ file: name, locate: () => 0 }, this.#findings);
  }

  error(message: string, hint?: string): void {
    this.#add('error', message, hint);
  }

  warn(message: string, hint?: string): void {
    this.#add('warning', message, hint);
  }

  warnOnce(topic: string, message: string, hint?: string): void {
    if (this.#findings.saidOnce.has(topic)) return;
    this.#findings.saidOnce.add(topic);
    this.warn(message, hint);
  }

  /** `mesh.yaml:12`, to point at it from elsewhere. */
  toString(): string {
    return `${this.#document.file}:${this.#document.locate(this.#path)}`;
  }

  #add(severity: Problem['severity'], message: string, hint: string | undefined): void {
    const { file } = this.#document;
    const line = this.#document.locate(this.#path);
    this.#findings.problems.push({ file, line, key: formatPath(this.#path), message, hint, severity });
  }
}
