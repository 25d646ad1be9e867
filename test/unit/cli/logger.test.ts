// What a worker logs can't be taken for anything else, whoever has written what is in it.
import t from 'tap';
import { jsonLogger } from '../../../cli/worker/logger.js';

const lines: string[] = [];
const logger = jsonLogger(false, (line) => {
  lines.push(line);
});

/** Of the other formats there is nothing that moves, hides or ends anything: Cc, the marks of bidi, and separators of lines. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

t.test('each entry is one line, of which a terminal obeys nothing, and is what was said', (t) => {
  const control = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('');
  const hostile = [
    control,
    '\u001b[2K\r{"level":"info","msg":"all is well"}\n',
    '\u009b2J\u0085\u2028{"level":"info"}\u2029',
    '\u202emoc.live\u2066\u2069\u200f\u061c',
    'plain ünïcödé 表 👩‍🚀',
  ];
  for (const text of hostile) {
    lines.length = 0;
    logger.warn(
      { workflow: text, [text]: { step: [text] }, err: new Error(text) },
      'a step could not be run',
    );
    t.equal(lines.length, 1);
    const [line = ''] = lines;
    t.ok(line.endsWith('}\n'));
    t.notMatch(line.slice(0, -1), OBEYED);
    const { workflow, [text]: own, err, level, msg } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    t.strictSame(
      { workflow, own, level, msg },
      { workflow: text, own: { step: [text] }, level: 'warn', msg: 'a step could not be run' },
    );
    t.equal((err as Error).message, text);
  }
  t.end();
});

t.test('what is only for those who look closely is left out unless it is asked for', (t) => {
  lines.length = 0;
  logger.debug({}, 'a');
  logger.info({}, 'b');
  t.equal(lines.length, 0);
  jsonLogger(true, (line) => {
    lines.push(line);
  }).debug({}, 'a');
  t.match(lines, [/"level":"debug"/]);
  t.end();
});
