// The example's page in a real browser.
import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import t from 'tap';
import { FLIGHTS } from '../../demo/flights.js';
import { makeService, RENDERER_OPTIONS } from '../../examples/renderer-service/service.js';
import { startRenderer } from '../helpers/renderer.js';

const BROWSER = '/usr/bin/chromium';
const skip = existsSync(BROWSER) || process.env.CI ? false : `there is no ${BROWSER}`;

/** Of a browser that is to load one page, and nothing for itself. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

t.test('the page', { skip }, async (t) => {
  const renderer = await startRenderer(t, RENDERER_OPTIONS);
  const service = await makeService(renderer, FLIGHTS);
  t.teardown(() => service.close());
  const url = await service.listen({ host: '127.0.0.1', port: 0 });
  const browser = await chromium.launch({ executablePath: BROWSER, args: QUIET });
  t.teardown(() => browser.close());

  const open = async (): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(url);
    return page;
  };
  const settled = async (page: Page, status: string): Promise<string> => {
    await page.waitForSelector(`body[data-status="${status}"]`);
    return page.innerText('#status');
  };
  const page = await open();

  t.test('shows a table, and how long it took', async (t) => {
    t.match(await settled(page, 'ok'), /^ok in [\d.]+ ms.*, 24 rows$/);
    t.equal(await page.locator('#table td').count(), 24 * 3);
  });

  t.test('follows what is typed', async (t) => {
    await page.fill('#code', 'export function render(table, { n }) { return table.slice(0, n); }');
    await page.fill('#params', '{"n": 7}');
    await page.getByText(/, 7 rows$/).waitFor();
    t.equal(await page.locator('#table tr').count(), 8);
    await page.fill('#params', '{"n": ');
    await settled(page, 'error');
    t.match(await page.innerText('#messages'), /no JSON/);
  });

  t.test('says of a mistake in which line it is', async (t) => {
    await page.fill('#params', '{}');
    await page.fill('#code', 'export function render(table) {\n  return table.nothing();\n}');
    await page.getByText(/table\.nothing is not a function/).waitFor();
    t.match(await page.innerText('#messages'), /\(line 2\)/);
  });

  t.test('survives hostile samples, and what they print is text', async (t) => {
    for (const [name, said] of [
      ['Endless loop', /took longer than 2 s/],
      ['process.exit()', /ended its process with code 0/],
      ['Memory bomb', /memory/i],
    ] as const) {
      await page.getByRole('button', { name, exact: true }).click();
      await settled(page, 'error');
      t.match(await page.innerText('#messages'), said, name);
    }
    const markup = '<img src=x onerror=document.title=1>';
    await page.fill(
      '#code',
      `export function render(table) { console.log('${markup}'); return table.slice(0, 1); }`,
    );
    await settled(page, 'ok');
    t.equal((await page.innerText('#printed')).trim(), markup);
    t.equal(await page.locator('#printed img').count(), 0);
  });

  t.test('keeps what was typed over a reload', async (t) => {
    const code = 'export function render(table) { return table.slice(0, 2); }';
    await page.fill('#code', code);
    await page.getByText(/, 2 rows$/).waitFor();
    await page.reload();
    t.match(await settled(page, 'ok'), /, 2 rows$/);
    t.equal(await page.inputValue('#code'), code);
  });

  t.test('two tabs do not cancel each other', async (t) => {
    const other = await open();
    await settled(other, 'ok');
    await page.getByRole('button', { name: 'Endless loop', exact: true }).click();
    await settled(page, 'rendering');
    await other.fill('#code', 'export function render(table) { return table.slice(0, 4); }');
    await other.getByText(/, 4 rows$/).waitFor();
    await settled(page, 'error');
    t.match(await page.innerText('#messages'), /took longer than 2 s/);
  });
});
