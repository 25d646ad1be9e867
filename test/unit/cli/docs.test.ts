// docs/cli.md says what the command takes, and how it ends.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { COMMON } from '../../../cli/arguments.js';
import { COMMANDS } from '../../../cli/commands/index.js';
import { EXIT } from '../../../cli/failure.js';
import { helpOf } from '../../../cli/help.js';

const page = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');

for (const command of COMMANDS)
  t.test(
    `${command.name}: the command, each option and its value are in docs/cli.md and in the help`,
    (t) => {
      t.ok(page.includes(`\n## ${command.name}\n`));
      t.ok(page.includes(`nodespawner ${command.name} ${command.operands}\n`), 'its usage');
      const help = helpOf(command, COMMON);
      for (const { name, value } of [...command.options, ...COMMON]) {
        const text = value === undefined ? `--${name}` : `--${name} ${value}`;
        t.ok(page.includes(`${text}\``), text);
        t.ok(help.includes(text), text);
      }
      t.end();
    },
  );

t.test('each exit code is in docs/cli.md', (t) => {
  for (const code of Object.values(EXIT)) t.match(page, new RegExp(`\\n\\| ${code} \\|`));
  t.end();
});
