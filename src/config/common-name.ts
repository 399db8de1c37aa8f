import { AgentError } from '../errors.ts';
import type { BackendContext } from './backends.ts';
import type { Place } from './place.ts';
import { quote, suggest } from './schema.ts';

/** Of a common name (RFC 5280, appendix A.1, `ub-common-name`). */
const MAX_LENGTH = 64;

const REMEDY = 'write it like {{ tag "kuma.io/service" }}.mesh';

/** A word, a text in double quotes or backticks, or the bar between two functions. */
const TOKENS = /"(?:[^"\\]|\\.)*"|`[^`]*`|\||[^\s|"`]+|["`]/g;

/** Reads the template of a backend; undefined when there is none, or when a mistake was reported. */
export function readCommonName(
  template: string | undefined,
  place: Place,
  context: Pick<BackendContext, 'tags' | 'isSelected'>,
): string | undefined {
  if (template === undefined) return undefined;
  try {
    return renderCommonName(template, context.tags);
  } catch (thrown) {
    const { message, remedy } = AgentError.from(thrown);
    // The tags of this agent say nothing about another mesh.
    if (context.isSelected) place.error(message, remedy);
    return undefined;
  }
}

/**
 * Fills in a common name as Kong Mesh writes it: text with `{{ tag "NAME" }}`, which may be piped through any number of
 * `replace "OLD" "NEW"`.
 *
 * @throws AgentError `ERR_CONFIG` for an unknown tag or function, and for a name that no certificate can have.
 */
export function renderCommonName(template: string, tags: Readonly<Record<string, string>>): string {
  const rendered = template.replaceAll(/\{\{(.*?)\}\}/gs, (_, action: string) => renderAction(action, tags)).trim();
  if (/\{\{|\}\}/.test(template.replaceAll(/\{\{.*?\}\}/gs, '')))
    throw refuse('"{{" without "}}", or "}}" without "{{"');
  if (rendered === '' || /\p{Cc}/u.test(rendered)) {
    throw refuse(`expected a common name, and it comes to ${rendered === '' ? 'nothing' : 'control characters'}`);
  }
  if (rendered.length > MAX_LENGTH) {
    const found = `${quote(rendered)} has ${rendered.length}`;
    throw refuse(`a common name has at most ${MAX_LENGTH} characters, and ${found}`, 'choose a shorter one');
  }
  return rendered;
}

function renderAction(action: string, tags: Readonly<Record<string, string>>): string {
  const tokens = action.match(TOKENS) ?? [];
  const commands = splitAtBars(tokens);
  const [first = [], ...pipes] = commands;
  return pipes.reduce(
    (value, [name, ...given]) => {
      if (name !== 'replace') throw refuseFunction(name, 'replace');
      const [from, to, ...more] = given.map(unquote);
      if (from === undefined || to === undefined || more.length > 0) throw refuse('replace takes two texts in quotes');
      return value.replaceAll(from, to);
    },
    readTag(first, tags),
  );
}

function readTag([name, ...given]: readonly string[], tags: Readonly<Record<string, string>>): string {
  if (name !== 'tag') throw refuseFunction(name, 'tag');
  const [tag, ...more] = given.map(unquote);
  if (tag === undefined || more.length > 0) throw refuse('tag takes one name in quotes');
  const value = Object.hasOwn(tags, tag) ? tags[tag] : undefined;
  if (value !== undefined) return value;
  const known = Object.keys(tags);
  throw refuse(
    `this agent has no tag ${quote(tag)}`,
    suggest(tag, known) ?? `set it under "tags" in the Agent document; there are: ${known.join(', ')}`,
  );
}

function splitAtBars(tokens: readonly string[]): string[][] {
  const commands: string[][] = [[]];
  for (const token of tokens) {
    if (token === '|') commands.push([]);
    else commands.at(-1)?.push(token);
  }
  return commands;
}

function unquote(token: string): string {
  if (/^`.*`$/s.test(token)) return token.slice(1, -1);
  try {
    const value: unknown = JSON.parse(token);
    if (typeof value === 'string') return value;
  } catch {
    // Neither quoted nor JSON; said below.
  }
  throw refuse(`expected a text in quotes, got ${quote(token)}`);
}

function refuseFunction(name: string | undefined, known: string): AgentError {
  if (name === undefined) return refuse('"{{" and "|" are followed by a function');
  return refuse(`unknown function ${quote(name)}, expected ${known}`);
}

function refuse(message: string, remedy = REMEDY): AgentError {
  return new AgentError('ERR_CONFIG', message, { remedy });
}
