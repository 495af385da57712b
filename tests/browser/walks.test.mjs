// What each kind of person mainly does, done in a browser as they would, on the demo's running site.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, open, signIn } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { merchant } from './pages.mjs';
import { buyTicket, inside, payAtTheBank, soon } from './persons.mjs';

let demo, browser;

before(async () => {
  // Vehicles stay for up to a minute, long enough to pay for one of them.
  demo = await startDemo('--speed', '0.6');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Opens a window, hands it over, and sees that nothing went wrong in it. */
async function as(wish, walk) {
  const window = await open(browser, demo, wish);
  await walk(window.page, window.context);
  window.calm();
  await window.context.close();
}

const operator = (name, size = 'desk') => async (walk) =>
  as({ size }, async (page) => {
    await signIn(page, name);
    await walk(page);
  });

/** What a scanner reads on the screen. */
async function scanned(page) {
  const file = join(demo.folder, 'scan.png');
  await page.screenshot({ path: file });
  return execFileSync('zbarimg', ['--raw', '-q', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

test('a driver inside the lot types the plate, pays at the bank and reads until when to leave', async () => {
  const desk = await open(browser, demo);
  await signIn(desk.page, 'booth');
  await as({ size: 'phone' }, async (page) => {
    // Some have left or paid before we do.
    await soon(page, async () => {
      const plate = await inside(desk.page);
      if (!plate) return false;
      await page.goto('/pay');
      await page.fill('#plate', plate);
      await page.press('#plate', 'Enter');
      await page.waitForLoadState('load');
      return page.locator('form button.big', { hasText: '支付' }).count();
    });
    const paying = page.url();
    await payAtTheBank(page);
    await page.getByRole('link', { name: '返回商家' }).click();
    await soon(page, async () => {
      await page.goto(paying);
      return page.getByText('已付款').count();
    });
    assert.match(await page.locator('main').innerText(), /离场|一路平安/);
  });
  await desk.context.close();
});

test('a visitor buys on the phone, pays, and holds a code before the scanner also without network', async () => {
  await as({ size: 'phone' }, async (page, context) => {
    const order = await buyTicket(page);
    const ticket = await soon(page, async () => {
      await page.goto(order);
      return page.locator('a.open').count();
    });
    assert.equal(ticket, 1);
    await page.locator('a.open').click();
    await page.locator('#qr path').waitFor();
    const first = await scanned(page);
    assert.ok(first.length > 100, `a signed code: ${first}`);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await context.setOffline(true);
    await page.reload();
    const offline = await soon(page, () => scanned(page));
    assert.ok(offline.length > 100, `without network: ${offline}`);
  });
});

test('a driver calls for help at the lane, and the operators read what it is about', async () => {
  await operator('booth')(async (page) => {
    const phone = await open(browser, demo, { size: 'phone' });
    // The demo's attendants may be quicker than we look.
    await soon(page, async () => {
      await phone.page.goto('/l/exit-1');
      if (await phone.page.locator('form.help').count()) {
        await phone.page.fill('[name=says]', '栏杆不动');
        await phone.page.locator('form.help button').click();
      }
      await page.goto('/console/tasks');
      return page.getByText('栏杆不动').count();
    });
    await phone.context.close();
  });
});

test('the booth works by keys alone: to a lane, a reason, open; and the list of keys tells which', async () => {
  await operator('booth')(async (page) => {
    await page.keyboard.press('?');
    await page.locator('#keys kbd', { hasText: 'Esc' }).waitFor();
    await page.keyboard.press('Escape');
    // A lane whose vehicle has no plate asks for that first.
    const lane = await soon(page, async () => {
      await page.keyboard.press('3');
      const at = await page.evaluate(() => [document.activeElement.closest('.lane').id, document.activeElement.name]);
      if (at[1] !== 'reason') await page.keyboard.press('Escape');
      return at[1] === 'reason' && at[0].replace('lane-', '');
    });
    await page.keyboard.type('按键抬杆');
    const done = page.waitForResponse((answer) => answer.url().endsWith(`/console/lanes/${lane}/operate`));
    await page.keyboard.press('Enter');
    const status = (await done).status();
    assert.ok([204, 409].includes(status), `opened, or refused with words: ${status}`);
    await page.keyboard.press('Escape');
    await page.goto(`/console/lanes/${lane}`);
    if (status === 204) await page.getByText('按键抬杆').first().waitFor();
    await page.keyboard.press('b');
    await page.waitForURL('**/console/shift');
    await page.keyboard.press('l');
    await page.waitForURL('**/console');
  });
});

test('the console moves by itself: a lane changes without a reload', async () => {
  await operator('booth')(async (page) => {
    const plan = page.locator('#plan');
    const before = await plan.innerHTML();
    await soon(page, async () => (await plan.innerHTML()) !== before);
    assert.equal(await page.locator('#link-state').isVisible(), false);
  });
});

test('a manager adds a pass, finds it, and quotes a fee by the tariff', async () => {
  await operator('li')(async (page) => {
    await page.goto('/console/passes');
    const form = page.locator('form', { has: page.locator('[name=holder]') }).first();
    await form.locator('[name=holder]').fill('王小明');
    await form.locator('[name=plates]').fill('京C66666');
    await form.locator('[name=from]').fill('2026-01-01');
    await form.locator('[name=until]').fill('2036-12-31');
    await form.locator('button').last().click();
    await page.waitForLoadState('load');
    await page.goto('/console/passes?q=京C66666');
    await page.locator('td', { hasText: '京C66666' }).first().waitFor();
    await page.goto('/console/tariffs');
    await page.locator('[name=from]').first().fill('2026-11-23T08:00');
    await page.locator('[name=to]').first().fill('2026-11-23T10:30');
    await page.getByRole('button', { name: '计算' }).click();
    assert.match(await page.locator('.total').innerText(), /¥\d+\.\d\d/);
  });
});

test('gate staff type a code that is none, and are told so in words', async () => {
  await operator('gate', 'phone')(async (page) => {
    await page.goto('/console/gate-check');
    await page.fill('[name=code]', 'NOT-A-TICKET');
    await page.keyboard.press('Enter');
    await page.getByText('不放行').first().waitFor();
  });
});

test('an accountant sees the morning and takes the postings away as a sheet', async () => {
  await operator('accountant')(async (page) => {
    const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format();
    await page.goto(`/console/settlement?day=${today}`);
    const link = await page.locator('a[href*="/postings/csv"]').getAttribute('href');
    const sheet = await soon(page, async () => {
      const text = await (await page.request.get(link)).text();
      return text.includes('channel_receivable') && text;
    });
    assert.match(sheet, /^\ufefftxn,at,account,/);
  });
});

test('an installer sees every device and asks one how it is', async () => {
  await operator('installer')(async (page) => {
    await page.goto('/console/devices');
    const ask = page.locator('.try form button').first();
    await ask.waitFor();
    await ask.click();
    await page.waitForLoadState('load');
    assert.match(page.url(), /console\/devices/);
  });
});

test('a merchant gives a guest a discount, sees it listed, and takes it back', async () => {
  const desk = await open(browser, demo);
  await signIn(desk.page, 'booth');
  await as({ size: 'phone' }, async (page) => {
    await merchant(page);
    await soon(page, async () => {
      const plate = await inside(desk.page);
      if (!plate) return false;
      await page.goto('/merchant');
      await page.fill('[name=plate]', plate);
      await page.getByRole('button', { name: /观影减两元/ }).click();
      await page.waitForLoadState('load');
      return page.locator('.notice.done').count();
    });
    const rows = page.locator('tbody tr', { hasText: '未使用' });
    const given = await rows.count();
    assert.ok(given > 0, 'it is listed');
    await rows.first().getByRole('button', { name: '撤销' }).click();
    await page.waitForLoadState('load');
    await page.locator('tbody tr', { hasText: '已撤销' }).first().waitFor();
    // The merchant's sign-in is none of the console's.
    await page.goto('/console');
    assert.match(page.url(), /\/signin/);
  });
  await desk.context.close();
});
