// Starts the demo, the whole site with its simulated devices and bank, on free ports, and ends it.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const program = process.env.PAIFANG_DEMO ?? join(root, 'target/debug/demo');

const isFree = (port) =>
  new Promise((tell) => {
    const server = createServer();
    server.once('error', () => tell(false));
    server.listen(port, '127.0.0.1', () => server.close(() => tell(true)));
  });

// Pages, broker and bank take three ports in a row.
async function freePorts() {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(port)) && (await isFree(port + 1)) && (await isFree(port + 2))) return port;
  }
  throw new Error('no three free ports in a row');
}

/** Yesterday's statement of the bank, with a payment that the site knows nothing of. */
export function importStatement(demo) {
  const yesterday = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date(Date.now() - 864e5));
  const file = join(demo.folder, 'statement.txt');
  const rows = [
    '商户订单号|订单号|交易类型|金额|退货编号|手续费|交易时间',
    `SIM0000000000000001|020002040095000000000001|消费|12.50||0.05|${yesterday} 12:00:00`,
  ];
  const gbk = spawnSync('iconv', ['-f', 'utf-8', '-t', 'gbk'], { input: `${rows.join('\n')}\n` });
  writeFileSync(file, gbk.stdout);
  const paifang = join(dirname(program), 'paifang');
  const site = ['--config', join(demo.folder, 'site.toml')];
  const told = spawnSync(paifang, ['statement', 'import', file, '--channel', 'icbc', '--day', yesterday, ...site], { encoding: 'utf8' });
  // 2: something does not fit, as it should.
  if (told.status !== 2) throw new Error(`the statement was not taken: ${told.status} ${told.stdout}${told.stderr}`);
}

export const password = 'demo-password';

/** `url` of the pages, `bank` of the simulated bank, `stop()`; the story so far is in `told`. */
export async function startDemo(...options) {
  const folder = mkdtempSync(join(tmpdir(), 'paifang-demo-'));
  const port = await freePorts();
  const args = ['--folder', folder, '--port', String(port), '--seed', '7', ...options];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const demo = { url: `http://127.0.0.1:${port}`, bank: `http://127.0.0.1:${port + 2}`, told: '', folder };
  const ended = new Promise((end) => child.once('exit', end));
  demo.stop = async () => {
    child.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  await new Promise((open, fail) => {
    child.stdout.on('data', (text) => {
      demo.told += text;
      if (demo.told.includes('site file')) open();
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the demo ended with ${code}:\n${demo.told}`)));
  });
  return demo;
}
