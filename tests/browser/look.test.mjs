// Every page as a person meets it: at phone and desk size, light and dark, in Chinese and English. Nobody has to push
// it sideways, no script fails, nothing leaves the site, and those who cannot see it find their way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { barriers, launch, open, overhang, signIn } from './browser.mjs';
import { importStatement, startDemo } from './demo.mjs';
import { buyTicket } from './persons.mjs';
import { eachOf, isShown, pageRoutes, publicPages, staffPages, visitorPages } from './pages.mjs';

const LIGHT_BYTES_MAX = 30 * 1024;
const looks = [
  { size: 'desk', scheme: 'light', lang: 'zh-CN' },
  { size: 'phone', scheme: 'dark', lang: 'en' },
];
let demo, browser, order;

before(async () => {
  demo = await startDemo('--speed', '2');
  browser = await launch();
  // So that there is a ticket to look at.
  const { context, page } = await open(browser, demo, { size: 'phone' });
  order = new URL(await buyTicket(page, 'boat')).pathname;
  await context.close();
  importStatement(demo);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

async function look(page, address, name) {
  const looked = async () => {
    await page.goto(address, { waitUntil: 'load' });
    return [await overhang(page), await barriers(page)];
  };
  // A page that shows something else by now went there while it was looked at: once more.
  const [wide, barred] = await looked().catch((error) => {
    if (!/Execution context was destroyed/.test(error.message)) throw error;
    return looked();
  });
  const found = [...barred, ...(wide > 0 ? [`it is ${wide} px wider than its window`] : [])];
  const title = await page.title();
  if (!title) found.push('it has no title');
  return found.map((line) => `${name}: ${line}`);
}

for (const wish of looks) {
  const how = Object.values(wish).join(', ');
  test(`pages for anybody, ${how}`, async () => {
    const { context, page, calm } = await open(browser, demo, wish);
    const found = [];
    const never = await eachOf(page, [...publicPages, ...visitorPages(order)], async (address, { name }) => {
      found.push(...(await look(page, address, name)));
    });
    assert.deepEqual(never, [], 'the demo made nothing for these pages');
    assert.deepEqual(found, []);
    calm();
    await context.close();
  });

  test(`pages for operators, ${how}`, async () => {
    const { context, page, calm } = await open(browser, demo, wish);
    await signIn(page, 'admin');
    const found = [];
    await page.request.post('/l/exit-1/help', { form: { says: '栏杆不动' } });
    const never = await eachOf(page, staffPages, async (address, { name }) => {
      found.push(...(await look(page, address, name)));
    });
    assert.deepEqual(never, [], 'the demo made nothing for these pages');
    assert.deepEqual(found, []);
    calm();
    await context.close();
  });
}

test('every page in the routes is looked at', () => {
  const pages = [...publicPages, ...visitorPages('/visit/o/x'), ...staffPages];
  const routes = pageRoutes();
  assert.ok(routes.length > 50, `${routes.length} routes were found`);
  assert.deepEqual(routes.filter((route) => !isShown(route, pages)), [], 'list them in pages.mjs');
});

test('what drivers load underground is at most 30 KB in all', async () => {
  const heavy = [];
  for (const { name, path, light } of publicPages) {
    const { context, page } = await open(browser, demo, { size: 'phone' });
    const sizes = [];
    page.on('requestfinished', (request) => sizes.push(request.sizes()));
    await page.goto(path, { waitUntil: 'networkidle' });
    const bytes = (await Promise.all(sizes)).reduce((sum, one) => sum + one.responseBodySize, 0);
    await context.close();
    console.log(`${String(bytes).padStart(7)} bytes  ${path}`);
    if (light && bytes > LIGHT_BYTES_MAX) heavy.push(`${name}: ${bytes} bytes`);
  }
  assert.deepEqual(heavy, []);
});
