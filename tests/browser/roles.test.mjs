// Each role signs in with its own account: its menu leads to what is its own, and what is not it is refused in words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, signIn } from './browser.mjs';
import { startDemo } from './demo.mjs';

// Who may what of the menu, as the site's owner would tell it. Whatever the owner's menu has and a line has not is refused.
const MENUS = {
  li: `/console /console/zones /console/admissions /console/devices /console/stays /console/passes /console/lists
    /console/reservations /console/arrears /console/tariffs /console/shift /console/payments /console/settlement
    /console/reports /console/merchants /console/invoices /console/window /console/tickets /console/gate-check
    /console/slots /console/visitors /console/users /console/audit /console/programs /console/counters`,
  booth: `/console /console/zones /console/admissions /console/stays /console/passes /console/lists /console/reservations
    /console/arrears /console/tariffs /console/shift /console/payments /console/invoices /console/window /console/tickets
    /console/gate-check /console/slots`,
  gate: '/console /console/zones /console/admissions /console/tickets /console/gate-check /console/slots',
  accountant: `/console/admissions /console/stays /console/passes /console/lists /console/reservations /console/arrears
    /console/tariffs /console/payments /console/settlement /console/reports /console/merchants /console/invoices
    /console/tickets /console/slots /console/visitors /console/audit`,
  installer: '/console /console/zones /console/devices',
};
let demo, browser, all;

const menu = (page) =>
  page.locator('header nav .menu a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
const sorted = (links) => [...links].sort();

before(async () => {
  demo = await startDemo('--speed', '0.5');
  browser = await launch();
  const { context, page } = await open(browser, demo);
  await signIn(page, 'admin');
  all = await menu(page);
  await context.close();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

for (const [name, own] of Object.entries(MENUS)) {
  test(`${name} finds what is theirs in the menu, and nothing else opens`, async () => {
    const { context, page, calm } = await open(browser, demo);
    await signIn(page, name);
    const mine = own.split(/\s+/).filter(Boolean);
    assert.deepEqual(sorted(await menu(page)), sorted(mine));
    for (const link of all) {
      const answer = await page.goto(link, { waitUntil: 'domcontentloaded' });
      // Whoever has no lanes is led to the page they begin at.
      if (link === '/console' && !mine.includes(link)) {
        assert.ok(mine.includes(new URL(page.url()).pathname), page.url());
        continue;
      }
      assert.equal(answer.status(), mine.includes(link) ? 200 : 403, link);
      if (answer.status() === 403) assert.match(await page.innerText('body'), /负责人/, `${link} tells whose it is`);
    }
    // What is refused is refused to a program in the same window, too.
    const act = await page.request.post('/console/lanes/entry-1/operate', {
      form: { act: 'open', reason: '试' }, headers: { origin: demo.url },
    });
    assert.equal(act.status() === 403, !['li', 'booth'].includes(name), `an arm: ${act.status()}`);
    calm();
    await context.close();
  });
}
