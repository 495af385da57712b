// Pictures of every page at phone and desk size into the folder `screenshots`, which is not committed.
// `node tests/browser/shots.mjs [--all] [NAME ...]`: --all adds the dark ones in English.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { launch, open, signIn, sizes } from './browser.mjs';
import { importStatement, root, startDemo } from './demo.mjs';
import { buyTicket } from './persons.mjs';
import { eachOf, publicPages, staffPages, visitorPages } from './pages.mjs';

const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('--'));
const looks = Object.keys(sizes).flatMap((size) => [
  { size, scheme: 'light', lang: 'zh-CN' },
  ...(words.includes('--all') ? [{ size, scheme: 'dark', lang: 'en' }] : []),
]);
const wanted = ({ name }) => names.length === 0 || names.includes(name);
const folder = join(root, 'screenshots');
mkdirSync(folder, { recursive: true });
const demo = await startDemo('--speed', '2');
const browser = await launch();
let count = 0;
try {
  const phone = await open(browser, demo, { size: 'phone' });
  const { pathname: order } = new URL(await buyTicket(phone.page, 'boat'));
  await phone.context.close();
  importStatement(demo);
  for (const look of looks) {
    const { context, page } = await open(browser, demo, look);
    const shoot = async (address, { name }) => {
      await page.goto(address, { waitUntil: 'load' });
      await page.waitForTimeout(400);
      const file = `${name}-${look.size}-${look.scheme}-${look.lang.slice(0, 2)}.png`;
      await page.screenshot({ path: join(folder, file), fullPage: true });
      count += 1;
      process.stdout.write(`\r${count} pictures  ${file}\x1b[K`);
    };
    await eachOf(page, [...publicPages, ...visitorPages(order)].filter(wanted), shoot);
    await page.request.post('/l/exit-1/help', { form: { says: '栏杆不动' } });
    await signIn(page, 'admin');
    const never = await eachOf(page, staffPages.filter(wanted), shoot);
    if (never.length > 0) console.log(`\nthe demo made nothing for ${never.join(', ')}`);
    await context.close();
  }
} finally {
  await browser.close();
  await demo.stop();
}
console.log(`\n${count} pictures in ${folder}`);
