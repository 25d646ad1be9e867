// Sends what is in the editor whenever it changes, and shows the answer to the last one that was sent.

/** Keys that follow each other more closely are one change. */
const PAUSE_MS = 100;
const KEPT = 'nodespawner-example';

const [code, params, status, messages, printed, table, samples] = [
  'code',
  'params',
  'status',
  'messages',
  'printed',
  'table',
  'samples',
].map((id) => document.getElementById(id));

// A tab of its own is a workflow of its own: what is typed here cancels nothing there.
const session = crypto.randomUUID();
let sent = 0;
let timer;

const element = (name, text) => {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
};

function row(cell, texts) {
  const made = document.createElement('tr');
  made.append(...texts.map((text) => element(cell, text)));
  return made;
}

function show({ status: fate, ms, cached, errors, warnings, stdout, stderr, table: result }) {
  document.body.dataset.status = fate;
  const rows = result === undefined ? '' : `, ${result.numRows.toLocaleString()} rows`;
  status.textContent = `${fate} in ${ms.toFixed(1)} ms${cached ? ' (kept from before)' : ''}${rows}`;
  messages.replaceChildren(
    ...[...errors, ...warnings].map(({ text, place }) =>
      element('li', place === undefined ? text : `${text} (line ${place.line})`),
    ),
  );
  printed.textContent = stdout + stderr;
  printed.hidden = printed.textContent === '';
  table.replaceChildren(
    ...(result === undefined
      ? []
      : [
          row(
            'th',
            result.columns.map(({ name }) => name),
          ),
          ...result.rows.map((texts) => row('td', texts)),
        ]),
  );
}

function fail(text) {
  show({ status: 'error', ms: 0, errors: [{ text }], warnings: [], stdout: '', stderr: '' });
}

async function render() {
  const turn = ++sent;
  sessionStorage.setItem(KEPT, JSON.stringify([code.value, params.value]));
  document.body.dataset.status = 'rendering';
  let parsed;
  try {
    parsed = JSON.parse(params.value);
  } catch (error) {
    fail(`The parameters are no JSON: ${error.message}`);
    return;
  }
  try {
    const response = await fetch('render', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ session, code: code.value, params: parsed }),
    });
    const answer = await response.json();
    if (turn !== sent) return;
    if (response.ok) show(answer);
    else fail(answer.message);
  } catch (error) {
    if (turn === sent) fail(`The service can't be reached: ${error.message}`);
  }
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(render, PAUSE_MS);
}

function put(text, values) {
  code.value = text;
  params.value = values;
  void render();
}

const all = await (await fetch('samples')).json();
samples.replaceChildren(
  ...all.map((sample) => {
    const button = element('button', sample.name);
    button.className = sample.isHostile ? 'hostile' : '';
    button.addEventListener('click', () => put(sample.code, JSON.stringify(sample.params)));
    return button;
  }),
);
for (const field of [code, params]) field.addEventListener('input', changed);
const kept = sessionStorage.getItem(KEPT);
if (kept === null) put(all[0].code, JSON.stringify(all[0].params));
else put(...JSON.parse(kept));
