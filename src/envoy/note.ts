const NOTE = Symbol('note');

/**
 * Says why a block of configuration is as it is; {@link readNote} finds it again.
 *
 * @param text lines of a comment, without `#`.
 * @returns the value itself.
 */
export function note<T extends object>(text: string, value: T): T {
  return Object.assign(value, { [NOTE]: text });
}

/** Undefined: there is none. */
export function readNote(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? (value as { [NOTE]?: string })[NOTE] : undefined;
}
