import type { Command } from '../arguments.js';
import { usageError } from '../failure.js';
import { print } from '../output.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion: Command = {
  name: 'completion',
  about: 'Print what a shell needs to complete commands and options.',
  operands: SHELLS.join('|'),
  choices: SHELLS,
  options: [],
  async run({ operands: [shell, ...others] }) {
    const { COMMANDS } = await import('./index.js');
    const { bash } = await import('../completion/bash.js');
    const { fish } = await import('../completion/fish.js');
    const { zsh } = await import('../completion/zsh.js');
    const found = SHELLS.find((one) => one === shell);
    if (found === undefined || others.length > 0)
      throw usageError(`completion needs one of ${SHELLS.join(', ')}`);
    print({ bash, zsh, fish }[found](COMMANDS));
    return 0;
  },
};
