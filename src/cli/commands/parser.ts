import { InvalidArgumentError } from 'commander';
import { AgentError } from '../../errors.ts';

/** A reader of an option's value whose complaint is told as commander tells its own. */
export function parser<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (thrown) {
      throw new InvalidArgumentError(AgentError.from(thrown).message);
    }
  };
}
