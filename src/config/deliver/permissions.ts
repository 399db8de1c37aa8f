import { convert, expected, fail, integer, quote } from '../schema.ts';

/** Of users and groups; the number above is -1 to the kernel. */
const MAX_ID = 0xffff_fffe;

/** Permission bits. */
export const octalMode = convert((input) => {
  const hint = 'write four octal digits in quotes, such as "0640"';
  if (typeof input === 'number')
    return fail('expected permission bits in quotes: YAML reads bare digits as decimal', hint);
  if (typeof input !== 'string') return fail(expected('permission bits', input), hint);
  return /^(0o?)?[0-7]{3}$/.test(input)
    ? Number.parseInt(input.replace('o', ''), 8)
    : fail(`expected permission bits, got ${quote(input)}`, hint);
});

/** A numeric user or group. */
export const numericId = integer(0, MAX_ID);
