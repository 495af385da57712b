// Every page there is, who looks at it, and how to get to one of those that have a number in their address.

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
];

/** For operators. `from`: the page whose first link of the form `link` is followed. */
export const staffPages = [
  { name: 'console', path: '/console' },
  { name: 'lane', path: '/console/lanes/exit-1' },
  { name: 'tasks', path: '/console/tasks' },
  { name: 'task', from: '/console/tasks', link: /^\/console\/tasks\/\d+$/ },
  { name: 'zones', path: '/console/zones' },
  { name: 'stays', path: '/console/stays' },
  { name: 'stay', from: '/console/stays', link: /^\/console\/stays\/\d+$/ },
  { name: 'passes', path: '/console/passes' },
  { name: 'pass', from: '/console/passes', link: /^\/console\/passes\/\d+$/ },
  { name: 'lists', path: '/console/lists' },
  { name: 'reservations', path: '/console/reservations' },
  { name: 'shift', path: '/console/shift' },
  { name: 'payments', path: '/console/payments' },
  { name: 'payment', from: '/console/payments', link: /^\/console\/payments\/\d+$/ },
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
  { name: 'password', path: '/password' },
  { name: 'console-no-such-page', path: '/console/stays/999999999' },
];

/** The address of a page; `null`: nothing of the kind is there yet. */
export async function addressOf(page, { path, from, link }) {
  if (path) return path;
  await page.goto(from, { waitUntil: 'domcontentloaded' });
  const links = await page.locator('main a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  return links.find((href) => link.test(href)) ?? null;
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
