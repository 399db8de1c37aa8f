import type { CommandShape, OptionShape, ValueShape } from './command-shape.ts';

export function renderFish(shapes: readonly CommandShape[]): string {
  const [root] = shapes;
  const below = shapes.filter((shape) => shape !== root).map(({ path }) => quote(path));
  return `# Completion of meshcert for fish. To have it in every shell:
#   meshcert completion fish > ~/.config/fish/completions/meshcert.fish
function __meshcert_at
    set -l at meshcert
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${below.join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
complete -c meshcert -f
${shapes.flatMap(renderCommand).join('\n')}
`;
}

function renderCommand({ path, commands, options, operand }: CommandShape): string[] {
  const begin = `complete -c meshcert -n ${quote(`__meshcert_at ${path}`)}`;
  const named = commands.map(({ name, description }) => `${begin} -a ${name} -d ${quote(description)}`);
  const given = operand === undefined ? [] : [`${begin} ${render(operand)}`];
  return [...named, ...given, ...options.map((option) => `${begin} ${renderOption(option)}`)];
}

function renderOption({ flags, description, value }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const taken = value === undefined ? [] : ['-r', render(value)];
  return [...names, ...taken, `-d ${quote(description)}`].join(' ');
}

function render(value: ValueShape): string {
  switch (value.kind) {
    case 'words':
      return `-f -a ${quote(value.words.join(' '))}`;
    case 'path':
      return '-F';
    case 'any':
      return '-f';
    default:
      return value satisfies never;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
