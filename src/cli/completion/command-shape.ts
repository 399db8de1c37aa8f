import type { Argument, Command, Option } from 'commander';

/** What may be typed after some words. */
export interface CommandShape {
  /** From the program's name on, divided by spaces: `meshcert setup vault`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionShape[];
  /** What its arguments are. Undefined: it has none. */
  readonly operand: ValueShape | undefined;
}

export interface OptionShape {
  /** With their dashes. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined: it takes no value. */
  readonly value: ValueShape | undefined;
}

/** A word of a list, a file or folder, or what only the user knows. */
export type ValueShape =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'path' }
  | { readonly kind: 'any' };

/** The program and all commands below it, as its help tells them. */
export function describeCommands(command: Command, above = ''): readonly CommandShape[] {
  const help = command.createHelp();
  const path = `${above} ${command.name()}`.trim();
  const commands = help.visibleCommands(command);
  const [operand] = command.registeredArguments;
  const shape: CommandShape = {
    path,
    commands: commands.map((one) => ({ name: one.name(), description: one.description() })),
    options: help.visibleOptions(command).map(describeOption),
    operand: operand && describeOperand(operand),
  };
  return [shape, ...command.commands.flatMap((one) => describeCommands(one, path))];
}

function describeOption({ short, long, description, argChoices, required, optional, flags }: Option): OptionShape {
  const takesValue = required || optional;
  const value = takesValue ? describeValue(argChoices, /<(file|path)>/.test(flags)) : undefined;
  return { flags: [short, long].filter((flag) => flag !== undefined), description: toOneLine(description), value };
}

function describeOperand({ argChoices, description }: Argument): ValueShape {
  return describeValue(argChoices, /\bfile\b/.test(description));
}

function describeValue(words: readonly string[] | undefined, isPath: boolean): ValueShape {
  if (words !== undefined) return { kind: 'words', words };
  return { kind: isPath ? 'path' : 'any' };
}

function toOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** Every combination of a command and an option that takes a value, grouped by what that is. */
export function listValues(shapes: readonly CommandShape[]): readonly { value: ValueShape; places: string[] }[] {
  const found = new Map<string, { value: ValueShape; places: string[] }>();
  for (const { path, options } of shapes) {
    for (const { flags, value } of options) {
      if (value === undefined) continue;
      const key = JSON.stringify(value);
      const group = found.get(key) ?? { value, places: [] };
      group.places.push(...flags.map((flag) => `${path} ${flag}`));
      found.set(key, group);
    }
  }
  return [...found.values()];
}
