import { COMMON, type Command, type Option } from '../arguments.js';

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

function flag(command: string, { name, short, value, choices, about }: Option): string {
  return [
    `complete -c nodespawner -n '__fish_seen_subcommand_from ${command}' -l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    // -r: it takes a value, a file unless -f says not.
    ...(value === undefined ? [] : ['-r']),
    ...(choices === undefined ? [] : [`-f -a ${quoted(choices.join(' '))}`]),
    `-d ${quoted(about)}`,
  ].join(' ');
}

export function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, about, options, choices }) => [
    `complete -c nodespawner -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
    ...(choices === undefined
      ? []
      : [
          `complete -c nodespawner -n '__fish_seen_subcommand_from ${name}' -f -a ${quoted(choices.join(' '))}`,
        ]),
    ...[...options, ...COMMON].map((option) => flag(name, option)),
  ]);
  return `# nodespawner completion fish | source\n${lines.join('\n')}\n`;
}
