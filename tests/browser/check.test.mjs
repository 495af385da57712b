// Staff check a code by hand: a browser that scans nothing itself takes a photo, in which the site reads the code; what is
// checked without network waits, over a reload, and is decided once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launch, open, signIn } from './browser.mjs';
import { root, startDemo } from './demo.mjs';

const drawing = readFileSync(`${root}src/http/assets/code.js`, 'utf8');
// As long as a signed code is, which is what the page's own script draws.
const code = 'PHOTO'.repeat(29) + 'TEST';
let demo, browser;

before(async () => {
  demo = await startDemo();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const file = (name, url) => ({ name, mimeType: url.slice(5, url.indexOf(';')), buffer: Buffer.from(url.split(',')[1], 'base64') });

/** A photo of a code in a hand: grey around it, lit from one side. */
async function photo(page, text) {
  const url = await page.evaluate(`(() => { ${drawing}
    const rows = PaifangCode.qr(${JSON.stringify(text)}), sheet = document.createElement('canvas');
    sheet.width = sheet.height = 900;
    const pen = sheet.getContext('2d');
    pen.fillStyle = '#777';
    pen.fillRect(0, 0, 900, 900);
    pen.fillStyle = '#eee';
    pen.fillRect(100, 100, 700, 700);
    pen.fillStyle = '#222';
    rows.forEach((row, y) => row.forEach((dark, x) => { if (dark) pen.fillRect(143 + x * 15, 143 + y * 15, 15, 15); }));
    const light = pen.createLinearGradient(0, 0, 900, 900);
    light.addColorStop(0, 'rgba(0,0,0,0)');
    light.addColorStop(1, 'rgba(0,0,0,.35)');
    pen.fillStyle = light;
    pen.fillRect(0, 0, 900, 900);
    return sheet.toDataURL('image/jpeg', 0.8); })()`);
  return file('photo.jpg', url);
}

test('a photo is read, and what is checked without network waits for it', async () => {
  const { context, page, calm } = await open(browser, demo, { size: 'phone' });
  await signIn(page, 'admin');
  const sold = await page.evaluate(async (code) => {
    const body = JSON.stringify({ code, persons: 5, valid_until: new Date(Date.now() + 864e5).toISOString() });
    const told = await fetch('/api/v1/tickets', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return told.status;
  }, code);
  assert.equal(sold, 200);
  // As in a browser that reads no codes itself.
  await page.addInitScript(() => { delete window.BarcodeDetector; });
  await page.goto('/console/gate-check');
  await page.waitForSelector('#photo');
  await page.fill('[name=persons]', '2');
  await page.setInputFiles('#photo', await photo(page, code));
  await page.waitForSelector('.scan.ok');
  assert.match(await page.innerText('#scans'), /3\/5/);
  const empty = await page.evaluate(() => document.createElement('canvas').toDataURL('image/png'));
  await page.setInputFiles('#photo', file('empty.png', empty));
  await page.waitForSelector('#blind:not([hidden])');

  await page.waitForFunction(async () => Boolean(await caches.match('/console/gate-check')));
  await page.reload();
  await context.setOffline(true);
  // The same code is the same look at it for four seconds.
  await page.fill('[name=code]', code);
  await page.press('[name=code]', 'Enter');
  await page.waitForSelector('.scan.wait');
  await page.reload();
  await page.waitForSelector('.scan.wait');
  assert.equal(await page.locator('.scan.ok').count(), 1, 'what was decided stays, what was not waits');
  await context.setOffline(false);
  await page.waitForFunction(() => !document.querySelector('.scan.wait'));
  assert.match(await page.innerText('#scans'), /2\/5/);
  calm();
  await context.close();
});
