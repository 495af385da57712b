// A window with a person and a kiosk without one: large, full screen, paid by a phone, and begun anew by itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, open, signIn } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { kiosk, kioskOrder } from './pages.mjs';
import { payAtTheBank, soon } from './persons.mjs';

const IDLE_S = 90;
let demo, browser;

before(async () => {
  demo = await startDemo('--speed', '0.5');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Letters of the controls a hand is aimed at, in pixels. */
const letters = (page, what) =>
  page.locator(what).evaluateAll((all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize)));

/** What a phone reads of the code on a screen. */
async function scanned(page) {
  const file = join(demo.folder, 'scan.png');
  await page.screenshot({ path: file });
  return execFileSync('zbarimg', ['--raw', '-q', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

test('the window opens a shift, sells for cash and has the tickets at hand', async () => {
  const { context, page, calm } = await open(browser, demo);
  await signIn(page, 'booth');
  await page.goto('/console/shift');
  const drawer = page.locator('form', { has: page.locator('[name=booth][value=window]') });
  await drawer.locator('[name=amount]').fill('200');
  await drawer.getByRole('button').click();
  await page.goto('/console/window');
  assert.ok((await letters(page, '#wish button.big')).every((size) => size >= 20), 'a large button');
  await page.fill('#n-child', '2');
  await page.locator('#wish button.big').click();
  await page.waitForURL('**/console/window/o/*');
  const cash = page.locator('form[action$="/cash"]');
  assert.equal(await cash.locator('[name=amount]').inputValue(), '60.00');
  await cash.getByRole('button').click();
  await page.getByRole('heading', { name: '门票' }).waitFor();
  assert.equal(await page.locator('tbody a[href^="/console/tickets/"]').count(), 2, 'a ticket for each child');
  await page.getByRole('link', { name: '下一位' }).click();
  await page.waitForURL('**/console/window');
  await page.goto('/console/shift');
  assert.match(await page.innerText('main'), /¥260\.00/, 'the drawer holds it');
  calm();
  await context.close();
});

test('a kiosk sells by a phone that scans its screen, and prints or says who helps', async () => {
  const { context, page, calm } = await open(browser, demo);
  await signIn(page, 'admin');
  await kioskOrder(page);
  const link = await scanned(page);
  assert.match(link, /\/p\//, `the code is the order's: ${link}`);
  const phone = await open(browser, demo, { size: 'phone' });
  await phone.page.goto(link);
  await payAtTheBank(phone.page);
  // By itself, as nobody touches it.
  await page.locator('.said').waitFor({ timeout: 30_000 });
  assert.match(await page.innerText('.said'), /票|窗口/);
  phone.calm();
  calm();
  await phone.context.close();
  await context.close();
});

test('a kiosk fills its screen, works by touch alone, and forgets whoever walked away', async () => {
  const { context, page, calm } = await open(browser, demo, { hasTouch: true });
  await page.clock.install();
  await signIn(page, 'admin');
  await page.goto(await kiosk('/kiosk')(page));
  const manifest = await (await page.request.get('/kiosk/manifest.webmanifest')).json();
  assert.equal(manifest.display, 'fullscreen');
  assert.ok((await letters(page, '.doors b')).every((size) => size >= 32), 'doors to be read from two metres');
  const shut = await page.locator('a[href^="/console"]').count();
  assert.equal(shut, 0, 'nothing leads to the console');

  await page.getByRole('link', { name: /取票/ }).tap();
  await page.waitForURL('**/kiosk/collect');
  for (const digit of '1234') await page.locator('#pad').getByRole('button', { name: digit, exact: true }).tap();
  assert.equal(await page.inputValue('#code'), '1234');
  // Whoever is still typing is not sent away.
  await page.clock.fastForward((IDLE_S - 5) * 1000);
  await page.locator('#pad').getByRole('button', { name: '5', exact: true }).tap();
  await page.clock.fastForward((IDLE_S - 5) * 1000);
  assert.equal(await page.inputValue('#code'), '12345');
  await page.clock.fastForward(7_000);
  await page.waitForURL((url) => url.pathname === '/kiosk');

  await page.goto('/kiosk/buy');
  await page.fill('#n-child', '2');
  await page.clock.fastForward((IDLE_S + 2) * 1000);
  await page.waitForURL((url) => url.pathname === '/kiosk');
  await page.goto('/kiosk/buy');
  assert.equal(await page.inputValue('#n-child'), '0', 'nothing is left of the visitor before');
  calm();
  await context.close();
});
