// Errors name the options that the caller wrote.
import t from 'tap';
import { checkRendererOptions } from '../../../renderer/options.js';

function messageOf(options: object): string {
  try {
    checkRendererOptions(options);
    return '';
  } catch (error) {
    const { option, message } = error as { option: string; message: string };
    t.ok(message.startsWith(`${option} must be `), message);
    return message;
  }
}

t.test('a limit is one of the limits, whichever check it fails', (t) => {
  t.match(messageOf({ limits: { timeoutMs: '5s' } }), /^options\.limits\.timeoutMs must be .* '5s'/);
  t.match(messageOf({ limits: { memoryBytes: -1 } }), /^options\.limits\.memoryBytes /);
  t.match(messageOf({ limits: { maxValueBytes: 'x' } }), /^options\.limits\.maxValueBytes /);
  t.match(messageOf({ fetch: { limits: { timeoutMs: 'x' } } }), /^options\.fetch\.limits\.timeoutMs /);
  t.end();
});

t.test('the sandbox of fetch is not that of the others', (t) => {
  t.match(messageOf({ fetch: { sandbox: { profile: 'x' } } }), /^options\.fetch\.sandbox\.profile /);
  t.match(messageOf({ sandbox: { profile: 'x' } }), /^options\.sandbox\.profile /);
  t.end();
});

t.test('an option that there is not is told of those that there are', (t) => {
  for (const name of ['timeoutMs', 'cwd']) {
    const message = messageOf({ [name]: '/' });
    t.match(message, new RegExp(`^options\\.${name} must be absent`));
    for (const own of [
      'preload',
      'limits',
      'fetch',
      'cache',
      'store',
      'queue',
      'maxChildren',
      'maxMemoryBytes',
      'logger',
    ])
      t.match(message, own);
  }
  t.end();
});

t.test('all that there are are taken', (t) => {
  t.equal(
    messageOf({
      preload: [],
      pool: { min: 0, max: 1 },
      typescript: true,
      limits: {},
      maxChildren: 2,
      queue: undefined,
    }),
    '',
  );
  t.end();
});
