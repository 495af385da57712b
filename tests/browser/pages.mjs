// Every page there is, who looks at it, and how to get to one of those that have a number in their address. A page that
// is in the routes and not here fails `look.test.mjs`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { password, root } from './demo.mjs';
import { inside } from './persons.mjs';

/** For anybody. `light`: a driver underground waits for it, so it is at most 30 KB in all. */
export const publicPages = [
  { name: 'home', path: '/', light: true },
  { name: 'driver-lane', path: '/l/exit-1', light: true },
  { name: 'driver-entry', path: '/l/entry-1', light: true },
  { name: 'driver-pay', path: '/pay', light: true },
  { name: 'driver-bind', path: '/pay/bind', light: true },
  { name: 'driver-no-such-lane', path: '/l/nowhere', light: true },
  { name: 'prices', path: '/tariff' },
  { name: 'lot-sign', path: '/pay/sign' },
  { name: 'lane-screen', path: '/lane/exit-1/screen', dark: true },
  { name: 'lane-sign', path: '/lane/exit-1/sign' },
  { name: 'invoice-find', path: '/i', light: true },
  { name: 'visit', path: '/visit', light: true },
  { name: 'visit-find', path: '/visit/find', light: true },
  { name: 'kiosk-setup', path: '/kiosk/setup' },
  { name: 'signin', path: '/signin' },
  { name: 'merchant-signin', path: '/merchant/signin' },
  { name: 'api', path: '/api/v1' },
  { name: 'no-such-page', path: '/nowhere' },
];

/** What a visitor's order leads to; `order` is its address. */
export const visitorPages = (order) => [
  { name: 'visit-order', path: order, route: '/visit/o/{token}' },
  { name: 'visit-ticket', from: order, link: /^\/t\/[^/]+$/, route: '/t/{token}' },
  { name: 'visit-move', from: order, link: /^\/visit\/o\/[^/]+\/move$/, route: '/visit/o/{token}/move' },
  { name: 'invoice', from: order, link: /^\/i\/[^/]+$/, route: '/i/{token}' },
];

/** For operators. `from`: the page whose first link of the form `link` is followed. */
export const staffPages = [
  { name: 'console', path: '/console' },
  { name: 'lane', path: '/console/lanes/exit-1' },
  { name: 'tasks', path: '/console/tasks' },
  { name: 'task', from: '/console/tasks', link: /^\/console\/tasks\/\d+$/, route: '/console/tasks/{task}' },
  { name: 'zones', path: '/console/zones' },
  { name: 'stays', path: '/console/stays' },
  { name: 'stay', from: '/console/stays', link: /^\/console\/stays\/\d+$/, route: '/console/stays/{stay}' },
  { name: 'passes', path: '/console/passes' },
  { name: 'pass', from: '/console/passes', link: /^\/console\/passes\/\d+$/, route: '/console/passes/{pass}' },
  { name: 'lists', path: '/console/lists' },
  { name: 'reservations', path: '/console/reservations' },
  { name: 'shift', path: '/console/shift' },
  { name: 'payments', path: '/console/payments' },
  { name: 'payment', from: '/console/payments', link: /^\/console\/payments\/\d+$/, route: '/console/payments/{payment}' },
  { name: 'settlement', path: '/console/settlement' },
  { name: 'arrears', path: '/console/arrears' },
  { name: 'merchants', path: '/console/merchants' },
  { name: 'counters', path: '/console/counters' },
  { name: 'invoices', path: '/console/invoices' },
  { name: 'tariffs', path: '/console/tariffs' },
  { name: 'window', path: '/console/window' },
  { name: 'tickets', path: '/console/tickets' },
  { name: 'ticket', path: '/console/tickets/1' },
  { name: 'slots', path: '/console/slots' },
  { name: 'visitors', path: '/console/visitors' },
  { name: 'gate-check', path: '/console/gate-check' },
  { name: 'admissions', path: '/console/admissions' },
  { name: 'devices', path: '/console/devices' },
  { name: 'search', path: '/console/search?q=A1' },
  { name: 'users', path: '/console/users' },
  { name: 'audit', path: '/console/audit' },
  { name: 'tariff-edit', from: '/console/tariffs', link: /^\/console\/tariffs\/edit/, route: '/console/tariffs/edit' },
  { name: 'tariff-quote', make: quote },
  { name: 'shares', make: async () => `/console/settlement/${today()}/shares`, route: '/console/settlement/{day}/shares' },
  { name: 'settlement-today', make: async () => `/console/settlement?day=${today()}` },
  { name: 'difference', from: '/console/settlement', link: /^\/console\/differences\/\d+$/, route: '/console/differences/{id}' },
  { name: 'merchant-bill', from: '/console/merchants', link: /^\/console\/merchants\/\d+\/bill$/, route: '/console/merchants/{merchant}/bill' },
  { name: 'reports', path: '/console/reports' },
  { name: 'reports-week', path: '/console/reports?by=week' },
  { name: 'reports-month', path: '/console/reports?by=month' },
  { name: 'programs', path: '/console/programs' },
  { name: 'search-nothing', path: '/console/search?q=京Z00000' },
  { name: 'order', make: beyond('/console/payments', /^\/console\/payments\/\d+$/, /^\/console\/orders\/\d+$/), route: '/console/orders/{order}' },
  { name: 'window-order', make: windowOrder, route: '/console/window/o/{order}' },
  { name: 'ticket-move', make: ticketMove, route: '/console/tickets/{ticket}/move' },
  { name: 'password', path: '/password' },
  { name: 'driver-bill', make: bill, route: '/p/{token}' },
  { name: 'merchant', make: merchant, route: '/merchant' },
  { name: 'kiosk', make: kiosk('/kiosk'), route: '/kiosk' },
  { name: 'kiosk-buy', make: kiosk('/kiosk/buy'), route: '/kiosk/buy' },
  { name: 'kiosk-collect', make: kiosk('/kiosk/collect'), route: '/kiosk/collect' },
  { name: 'kiosk-pay', make: kioskOrder, route: '/kiosk/o/{token}' },
  { name: 'console-no-such-page', path: '/console/stays/999999999' },
];

/** Routes that are no pages to look at: what a page loads by itself, what is taken away as a file, and where others call. */
const NO_PAGES = [
  /\/live$/, /\/state$/, /\/picture$/, /\/\{(file|form)\}$/, /sw\.js$/, /\.webmanifest$/, /\.pdf$/, /^\/assets\//,
  /^\/device\//, /^\/(healthz|readyz|metrics)$/, /^\/console\/pictures\//,
  // Leads on at once: to the bank's form, and back from it.
  /^\/bind$/, /^\/pay\/bind\/back$/,
];

/** Every route of a page, from the sources. */
export function pageRoutes() {
  const folder = join(root, 'src/http');
  const sources = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.rs') && !name.includes('tests'));
  const routes = sources.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return [...text.matchAll(/\.route\(\s*"([^"]+)",\s*get\(/g)].map(([, route]) => route);
  });
  return [...new Set(routes)].filter((route) => !NO_PAGES.some((none) => none.test(route)));
}

/** Whether one of the pages is of the route. */
export const isShown = (route, pages) => {
  const shape = new RegExp(`^${route.replace(/\{[^}]+\}/g, '[^/]+')}$`);
  return pages.some((page) => page.route === route || (page.path && shape.test(page.path.replace(/[?#].*/, ''))));
};

// ---- pages that something has to be done for ----

/** A day at the site. */
export const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date());

async function linkOn(page, from, link) {
  await page.goto(from, { waitUntil: 'domcontentloaded' });
  const links = await page.locator('main a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  return links.find((href) => link.test(href)) ?? null;
}

/** Two links away. */
function beyond(from, over, link) {
  return async (page) => {
    const first = await linkOn(page, from, over);
    return first && linkOn(page, first, link);
  };
}

/** A case with its lines. */
async function quote() {
  return `/console/tariffs?tariff=lot&from=${today()}T08:00&to=${today()}T23:30&class=small`;
}

/** What a driver inside is shown. */
async function bill(page) {
  const plate = await inside(page);
  if (!plate) return null;
  await page.goto('/pay');
  await page.fill('#plate', plate);
  await page.press('#plate', 'Enter');
  await page.waitForLoadState('load');
  const { pathname } = new URL(page.url());
  return pathname.startsWith('/p/') ? pathname : linkOn(page, page.url(), /^\/p\//);
}

export async function merchant(page) {
  await page.goto('/merchant');
  if (page.url().endsWith('/signin')) {
    await page.fill('[name=name]', 'cinema');
    await page.fill('[name=password]', password);
    await Promise.all([page.waitForURL('**/merchant'), page.press('[name=password]', 'Enter')]);
  }
  return '/merchant';
}

/** A screen of a kiosk, which the owner sets up first. */
export function kiosk(path) {
  return async (page) => {
    await page.goto('/kiosk');
    if (!page.url().endsWith('/setup')) return path;
    await page.goto('/console/counters');
    await page.fill('main [name=name]', 'kiosk-1');
    await page.press('main [name=name]', 'Enter');
    const token = await page.locator('main code').first().innerText();
    await page.goto('/kiosk/setup');
    await page.fill('[name=token]', token);
    await Promise.all([page.waitForURL('**/kiosk'), page.press('[name=token]', 'Enter')]);
    return path;
  };
}

/** Orders two of a product on the form for tickets; where that leads. */
async function wish(page, product) {
  await page.fill(`#n-${product}`, '2');
  for (const slots of await page.locator('fieldset .slots').all()) {
    await slots.locator('input:not([disabled])').last().check();
  }
  const left = page.url();
  await Promise.all([page.waitForURL((url) => url.href !== left), page.locator('#wish button.big').click()]);
  return new URL(page.url()).pathname;
}

export async function kioskOrder(page) {
  await page.goto(await kiosk('/kiosk/buy')(page));
  return wish(page, 'child');
}

async function windowOrder(page) {
  await page.goto('/console/window');
  return wish(page, 'boat');
}

async function ticketMove(page) {
  const order = await linkOn(page, '/console/tickets', /^\/console\/window\/o\/1$/);
  const ticket = order && (await linkOn(page, order, /^\/console\/tickets\/\d+$/));
  return ticket && `${ticket}/move`;
}

/** The address of a page; `null`: nothing of the kind is there yet. */
export async function addressOf(page, { path, from, link, make }) {
  return path ?? (make ? make(page) : linkOn(page, from, link));
}

/** `look(address, page)` at each page as soon as the simulated traffic has made something for it; tells what never came. */
export async function eachOf(page, pages, look, seconds = 90) {
  const until = Date.now() + seconds * 1000;
  let left = pages;
  while (left.length > 0) {
    const later = [];
    for (const one of left) {
      const address = await addressOf(page, one);
      if (address) await look(address, one);
      else later.push(one);
    }
    left = later;
    if (Date.now() > until) break;
    if (left.length > 0) await page.waitForTimeout(300);
  }
  return left.map(({ name }) => name);
}
