// What drivers and visitors do on their phones, and waiting as a person does.
import assert from 'node:assert/strict';

/** Tries again until it holds: the site moves on by itself meanwhile. */
export async function soon(page, what, seconds = 40) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const got = await what();
    if (got) return got;
    assert.ok(Date.now() < until, `not within ${seconds} s: ${what}`);
    await page.waitForTimeout(250);
  }
}

/** Pays on the simulated bank's cashier, which waits behind the link of the page. */
export async function payAtTheBank(page) {
  await page.locator('form button.big', { hasText: /支付|Pay/ }).first().click();
  // Where the bank answers at once, its cashier opens by itself.
  const link = page.locator('a.big', { hasText: /收银台|cashier/ });
  const pay = page.getByRole('button', { name: '立即支付' });
  await link.or(pay).first().waitFor();
  if (await link.count()) await link.click();
  await pay.click();
  await page.getByText('支付成功').waitFor();
}

/** Orders one ticket for the first day on sale and pays it; the address of the order. */
export async function buyTicket(page, product = 'day') {
  await page.goto('/visit');
  await page.locator('ol.month a').first().click();
  await page.fill(`#n-${product}`, '1');
  for (const slots of await page.locator('fieldset .slots').all()) {
    await slots.locator('input:not([disabled])').first().check();
  }
  await page.locator('#wish button.big').click();
  await page.getByText('已为您保留名额').waitFor();
  const order = page.url();
  await payAtTheBank(page);
  await soon(page, async () => {
    await page.goto(order);
    return page.locator('a.open').count();
  });
  return order;
}

/** A vehicle that is inside now, as an operator's window sees it. */
export async function inside(page) {
  await page.goto('/console/stays');
  const all = await page.locator('main td a').allTextContents();
  return all.find((text) => /^[\u4e00-\u9fff][A-Z][A-Z0-9]{5,6}$/.test(text));
}
