import { type CommandShape, listValues, type ValueShape } from './command-shape.ts';

/** bash 3.2 does not know it, and offers files then. */
const NO_FILES = 'compopt +o default 2>/dev/null';

/**
 * For bash 3.2 and later, without bash-completion. Where it answers nothing, readline offers files, unless told not to.
 */
export function renderBash(shapes: readonly CommandShape[]): string {
  const [root] = shapes;
  const below = shapes.filter((shape) => shape !== root).map(({ path }) => `'${path}'`);
  return `# Completion of meshcert for bash. To have it in every shell:
#   meshcert completion bash > ~/.local/share/bash-completion/completions/meshcert
_meshcert() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at=meshcert words= i
  # --output=json is three words to bash.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${below.join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${listValues(shapes)
  .map(({ value, places }) => `    ${places.map((place) => `'${place}'`).join(' | ')})\n      ${complete(value)} ;;`)
  .join('\n')}
  esac
  case "$at" in
${shapes.map(renderWords).join('\n')}
  esac
  ${NO_FILES}
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _meshcert meshcert
`;
}

function complete(value: ValueShape): string {
  switch (value.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W '${value.words.join(' ')}' -- "$cur")); return`;
    case 'path':
      return 'return';
    case 'any':
      return `${NO_FILES}; return`;
    default:
      return value satisfies never;
  }
}

/** Options when one is begun, else what is more likely. */
function renderWords({ path, commands, options, operand }: CommandShape): string {
  const flags = options.flatMap((option) => option.flags).join(' ');
  const words = [...commands.map(({ name }) => name), ...(operand?.kind === 'words' ? operand.words : [])].join(' ');
  const isFile = operand !== undefined && operand.kind !== 'words';
  const others = isFile ? ' [[ $cur == -* ]] || return 0' : words === '' ? '' : ` [[ $cur == -* ]] || words='${words}'`;
  return `    '${path}') words='${flags}';${others} ;;`;
}
