// Chromium as the tests use it: phone and desk, light and dark, Chinese and English. Every window watches itself: an
// error of a script, an answer of 500, or a request that leaves the site fails the test that looks.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { password } from './demo.mjs';

// Put there by tests/run, which names the versions.
const need = createRequire(new URL('../../target/browser/', import.meta.url));
const { chromium } = need('playwright-core');
const axe = readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');

export const sizes = { phone: { width: 360, height: 740 }, desk: { width: 1440, height: 900 } };

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/** A window of its own cookies. `troubles` collects what must not happen. */
export async function open(browser, demo, { size = 'desk', scheme = 'light', lang = 'zh-CN', ...more } = {}) {
  const context = await browser.newContext({
    viewport: sizes[size], colorScheme: scheme, locale: lang, baseURL: demo.url, ...more,
  });
  const page = await context.newPage();
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(`script: ${error.message}`));
  page.on('console', (line) => {
    // A page that is refused on purpose, and a network that is taken away, are no trouble of a script.
    if (line.type() === 'error' && !/status of 4\d\d|INTERNET_DISCONNECTED/.test(line.text())) troubles.push(`console: ${line.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (/^https?:$/.test(protocol) && origin !== demo.url && origin !== demo.bank) troubles.push(`left the site: ${request.url()}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 500) troubles.push(`${answer.status()}: ${answer.url()}`);
  });
  return { context, page, troubles, calm: () => assert.deepEqual(troubles, []) };
}

export async function signIn(page, name, secret = password) {
  await page.goto('/signin');
  await page.fill('[name=name]', name);
  await page.fill('[name=password]', secret);
  await Promise.all([page.waitForURL(/\/(console|password)/), page.press('[name=password]', 'Enter')]);
}

/** What axe finds against WCAG 2.1 A and AA, one line each. */
export async function barriers(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] }));
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`);
}

/** How far the page is wider than its window, in pixels; a reader would have to push it sideways. */
export const overhang = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
