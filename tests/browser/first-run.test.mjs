// An installer's first minutes: no site file, a link with a key, and at the end a console to sign in at.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { barriers, launch, open, overhang } from './browser.mjs';
import { paifang, root } from './demo.mjs';
import { soon } from './persons.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const freePort = () =>
  new Promise((tell) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => tell(port));
    });
  });

for (const look of [{ size: 'desk', lang: 'zh-CN' }, { size: 'phone', scheme: 'dark', lang: 'en' }]) {
  test(`the first-run page makes a site and starts it, ${look.size}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paifang-first-'));
    const config = join(folder, 'site.toml');
    const words = ['init', '--page', '127.0.0.1:0', '--seconds', '6', '--announce', '127.0.0.1:9', '--config', config];
    const child = spawn(paifang, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const link = await new Promise((tell, fail) => {
        let told = '';
        child.stdout.on('data', (text) => {
          told += text;
          const found = /http:\S+key=\S+/.exec(told);
          if (found) tell(found[0]);
        });
        child.once('exit', (code) => fail(new Error(`it ended with ${code}: ${told}`)));
      });
      const { context, page, calm } = await open(browser, { url: new URL(link).origin }, look);
      const seen = async () => {
        assert.deepEqual(await barriers(page), []);
        assert.ok((await overhang(page)) <= 0, `${page.url()} is wider than its window`);
      };
      await page.goto(link);
      await seen();
      const [http, mqtt] = [await freePort(), await freePort()];
      await page.fill('[name=name]', '湖滨停车场');
      await page.fill('[name=http]', `127.0.0.1:${http}`);
      await page.fill('[name=url]', `http://127.0.0.1:${http}`);
      await page.fill('[name=mqtt]', 'nowhere');
      await page.locator('button.main').click();
      await page.locator('#wrong-mqtt').waitFor();
      assert.equal(await page.inputValue('[name=name]'), '湖滨停车场', 'what was typed stays');
      await seen();
      await page.fill('[name=mqtt]', `127.0.0.1:${mqtt}`);
      await page.locator('button.main').click();
      await page.getByRole('status').waitFor();
      const body = readFileSync(join(root, 'devices/fixtures/vzenith-http-plate.json'));
      const headers = { 'content-type': 'application/json' };
      await soon(page, () => fetch(`http://127.0.0.1:${http}/device/gate`, { method: 'POST', headers, body }).then(() => true, () => false));
      // The page goes on by itself.
      await page.locator('[name=id-0]').waitFor();
      await seen();
      await page.fill('[name=id-0]', 'north');
      await page.selectOption('[name=way-0]', 'out');
      await page.locator('button.main').click();
      await page.locator('#password').waitFor();
      await seen();
      const password = await page.innerText('#password');
      await page.locator('button.main').click();
      const console = page.getByRole('link', { name: '/console' });
      await console.waitFor();
      await soon(page, () => fetch(`http://127.0.0.1:${http}/readyz`).then((r) => r.ok, () => false));
      calm();
      await page.goto(`http://127.0.0.1:${http}/signin`);
      await page.fill('[name=name]', 'admin');
      await page.fill('[name=password]', password);
      await Promise.all([page.waitForURL(/\/password/), page.press('[name=password]', 'Enter')]);
      assert.match(readFileSync(config, 'utf8'), /id = "north"/);
      await context.close();
    } finally {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
