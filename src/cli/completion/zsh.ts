import { type CommandShape, listValues, type ValueShape } from './command-shape.ts';

export function renderZsh(shapes: readonly CommandShape[]): string {
  const [root] = shapes;
  const below = shapes.filter((shape) => shape !== root).map(({ path }) => `'${path}'`);
  return `#compdef meshcert
# Completion of meshcert for zsh. To have it in every shell, in a folder of $fpath:
#   meshcert completion zsh > "\${fpath[1]}/_meshcert"
_meshcert() {
  local at=meshcert prev=\${words[CURRENT-1]} word
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${below.join('|')}) at="$at $word" ;;
    esac
  done
  case "$at $prev" in
${listValues(shapes)
  .map(({ value, places }) => `    ${places.map((place) => `'${place}'`).join('|')}) ${complete(value)}; return ;;`)
  .join('\n')}
  esac
  case "$at" in
${shapes.map(renderCandidates).join('\n')}
  esac
  if [[ $PREFIX == -* || \${#commands} -eq 0 ]]; then
    _describe -o option options
  else
    _describe command commands
  fi
}
if [[ \${funcstack[1]} == _meshcert ]]; then _meshcert "$@"; else compdef _meshcert meshcert; fi
`;
}

function complete(value: ValueShape): string {
  switch (value.kind) {
    case 'words':
      return `compadd -- ${value.words.join(' ')}`;
    case 'path':
      return '_files';
    case 'any':
      return "_message 'a value'";
    default:
      return value satisfies never;
  }
}

function renderCandidates({ path, commands, options, operand }: CommandShape): string {
  const words = operand?.kind === 'words' ? operand.words.map((name) => ({ name, description: name })) : [];
  const named = [...commands, ...words].map(({ name, description }) => quote(`${name}:${description}`));
  const flags = options.flatMap((option) => option.flags.map((flag) => quote(`${flag}:${option.description}`)));
  const files = operand !== undefined && operand.kind !== 'words' ? '[[ $PREFIX == -* ]] || { _files; return }' : '';
  return `    '${path}')
      commands=(${named.join(' ')})
      options=(${flags.join(' ')})
      ${files} ;;`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
