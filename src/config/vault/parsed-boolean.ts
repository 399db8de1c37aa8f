import { convert, fail, quote } from '../schema.ts';

/** The words that Go's `strconv.ParseBool` knows; anything else is a mistake, not "true". */
export const parsedBoolean = convert((input) => {
  if (/^(1|t|T|TRUE|true|True)$/.test(String(input))) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(String(input))) return false;
  return fail(`expected true or false, got ${quote(String(input))}`);
});
