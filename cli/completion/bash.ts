import { COMMON, type Command } from '../arguments.js';

/** For complete(1) of bash. What takes a value without choices, and operands, are completed as files. */
export function bash(commands: readonly Command[]): string {
  const words = commands
    .map(({ name, options, choices = [] }) => {
      const flags = [...options, ...COMMON].flatMap(({ name: option, short }) => [
        `--${option}`,
        ...(short === undefined ? [] : [`-${short}`]),
      ]);
      return `    ${name}) words="${[...choices, ...flags].join(' ')}" ;;`;
    })
    .join('\n');
  const values = commands
    .flatMap(({ name, options }) =>
      options.flatMap(({ name: option, value, choices }) =>
        value === undefined
          ? []
          : [`    '${name} --${option}') words="${choices?.join(' ') ?? ''}"; values=1 ;;`],
      ),
    )
    .join('\n');
  return `# eval "$(nodespawner completion bash)"
_nodespawner() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words= values=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${words}
  esac
  case "\${COMP_WORDS[1]} $previous" in
${values}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -z "$words" ] || { [ -z "$values" ] && [ "\${current#-}" = "$current" ]; }; then
    COMPREPLY+=($(compgen -f -- "\${current##*=}"))
  fi
}
complete -o filenames -o bashdefault -F _nodespawner nodespawner
`;
}
