import { hash } from 'node:crypto';

/** Stands for what a file holds, which may be a secret. Empty where there is no file, or none that can be read. */
export function digestText(text: string | undefined): string {
  return text === undefined ? '' : hash('sha256', text);
}
