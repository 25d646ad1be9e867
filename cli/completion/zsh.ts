import { COMMON, type Command, type Option } from '../arguments.js';

/** In single quotes, with what _arguments of zsh reads something into behind backslashes. */
const quoted = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''");

function argument({ name, short, value, isMultiple, choices, about }: Option): string {
  const takes =
    value === undefined ? '' : `:${quoted(value)}:${choices ? `(${choices.join(' ')})` : '_files'}`;
  const rest = `[${quoted(about)}]${takes}`;
  const many = isMultiple ? '*' : '';
  const flags = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
  return flags.map((flag) => `'${many}${flag}${rest}'`).join(' ');
}

export function zsh(commands: readonly Command[]): string {
  const names = commands.map(({ name, about }) => `'${name}:${quoted(about)}'`).join(' ');
  const cases = commands
    .map(({ name, options, choices }) => {
      const operand = `'*:argument:${choices ? `(${choices.join(' ')})` : '_files'}'`;
      return `    ${name}) _arguments ${[...options, ...COMMON].map(argument).join(' ')} ${operand} ;;`;
    })
    .join('\n');
  return `#compdef nodespawner
# eval "$(nodespawner completion zsh)"
_nodespawner() {
  local -a commands
  commands=(${names})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases}
  esac
}
compdef _nodespawner nodespawner
`;
}
