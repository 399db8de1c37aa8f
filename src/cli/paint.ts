import { styleText } from 'node:util';
import type { Edge } from './edge.ts';

export type Colour = 'red' | 'yellow' | 'green' | 'dim';

/** Text in a colour. It never changes what is read, only how it looks. */
export type Paint = (colour: Colour, text: string) => string;

/**
 * Colours for a person who wants them: on a terminal that has them, and not where NO_COLOR is set (https://no-color.org).
 *
 * @param isTerminal of the stream that is written to.
 */
export function openPaint(isTerminal: boolean, { environment }: Pick<Edge, 'environment'>): Paint {
  const isWanted = isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return (colour, text) => (isWanted ? styleText(colour, text, { validateStream: false }) : text);
}
