// Pictures of the pages compared with those in screens/, a quarter of their size: 0.2 % of the dots may differ. What differs from
// run to run (times, ids, ports) is made equal first. Fonts and browsers draw differently, so that the pictures say what
// they were made with; elsewhere the test is skipped and says so. After a change that is meant: RECORD=1 node --test
// screens.test.mjs, and look at the pictures.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Provider, Server, browse, createToken, openPage, setUp, teamAddress } from './harness.mjs';

const kept = path.join(import.meta.dirname, 'screens');
const shapes = ['light', 'dark'].flatMap((scheme) => [[scheme, 1440, 900], [scheme, 390, 844]]);
const tolerance = 0.002;
const record = process.env.RECORD !== undefined;
const core = 'urn:ietf:params:scim:schemas:core:2.0:';

let browser;
let server;
let page;
let easel;
let team;
let here;
const ids = {};

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await openPage(browser, { bypassCSP: true, reducedMotion: 'reduce' });
  // Pictures are scaled and compared on a blank page, by the browser itself.
  easel = await (await browser.newContext({ viewport: { width: 500, height: 400 } })).newPage();
  here = await madeWith();
  mkdirSync(kept, { recursive: true });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What this machine draws letters and controls with. */
async function madeWith() {
  const faces = ['system-ui', 'sans-serif', 'monospace'];
  await easel.setContent(faces.map((face) => `<p style="font: 14px ${face}">Quick <b>brown</b> fox 0123 é ✓</p>`).join('') + '<select><option>One</select><input type="checkbox" checked>');
  return createHash('sha256').update(await easel.screenshot()).digest('hex');
}

/** Makes equal what is different in each run, by its form. */
function still(page) {
  return page.evaluate(() => {
    const forms = [
      [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '01a21400-0000-7000-8000-000000000000'],
      [/\b[0-9a-f]{6,8}…/g, '01a21400…'],
      [/\bscimd_\w{40,}/g, `scimd_${'x'.repeat(50)}`],
      [/\breq_\w+/g, 'req_2vUpBFQJrMDeSq6uPMIk6Z'],
      [/127\.0\.0\.1:\d+/g, '127.0.0.1:8443'],
      [/\d{4}-\d\d-\d\d/g, '2027-01-02'],
      [/\d\d:\d\d(:\d\d(\.\d+)?)?/g, '12:34'],
      [/\d+ (January|February|March|April|May|June|July|August|September|October|November|December|[JFMASOND][a-z]{2})\b/g, '2 Jan'],
      [/\b\d+ (ms|s|min|h|days?)\b( ago| left)?/g, '7 s$2'],
      [/\b\d+(\.\d+)? (B|KB|kB|KiB|MB|MiB|GB|GiB|TB)\b/g, '7 MB'],
      [/(…|_…|\.\.\.)[0-9A-Za-z]{4}\b/g, '…Xb91'],
      [/\b(just now|yesterday|today)\b/g, '7 s ago'],
    ];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      let text = walk.currentNode.data;
      for (const [form, to] of forms) text = text.replace(form, to);
      if (text !== walk.currentNode.data) walk.currentNode.data = text;
    }
    // How full this machine's disk is, and whether that needs attention, is not the page's doing.
    for (const line of document.querySelectorAll('.notice, li')) if (/^\s*Disk\b/.test(line.textContent)) line.remove();
    // The times beneath a chart are longer where a day begins, and its drawing moves with the hour; its frame stays.
    for (const time of document.querySelectorAll('.axis span, .figures summary')) time.textContent = '12:34';
    for (const chart of document.querySelectorAll('.chart svg, svg.spark, .meterbar > *, meter, progress')) chart.style.visibility = 'hidden';
  });
}

/** The picture at a quarter of its size, as a PNG. */
function quarter(png) {
  return easel.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(source)).blob());
    const canvas = new OffscreenCanvas(Math.ceil(image.width / 4), Math.ceil(image.height / 4));
    const pen = canvas.getContext('2d');
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  }, `data:image/png;base64,${png.toString('base64')}`).then((binary) => Buffer.from(binary, 'latin1'));
}

/** The share of dots that differ so that an eye sees it; all of them when the sizes differ. */
function difference(one, other) {
  return easel.evaluate(async (sources) => {
    const [a, b] = await Promise.all(sources.map(async (source) => {
      const image = await createImageBitmap(await (await fetch(source)).blob());
      const pen = new OffscreenCanvas(image.width, image.height).getContext('2d');
      pen.drawImage(image, 0, 0);
      return pen.getImageData(0, 0, image.width, image.height);
    }));
    if (a.width !== b.width || a.height !== b.height) return 1;
    let dots = 0;
    for (let at = 0; at < a.data.length; at += 4) {
      if ([0, 1, 2].some((channel) => Math.abs(a.data[at + channel] - b.data[at + channel]) > 24)) dots += 1;
    }
    return dots / (a.width * a.height);
  }, [one, other].map((png) => `data:image/png;base64,${png.toString('base64')}`));
}

function screen(name, to, act = async () => {}) {
  test(name, async (t) => {
    const file = path.join(kept, 'made-with.txt');
    if (!record && (!existsSync(file) || readFileSync(file, 'utf8').trim() !== here)) {
      t.skip('the pictures were made with other fonts or another browser');
      return;
    }
    if (record) writeFileSync(file, `${here}\n`);
    await act();
    await page.goto(new URL(to(), server.origin).href);
    await page.waitForLoadState('load');
    const found = [];
    for (const [colorScheme, width, height] of shapes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height });
      await still(page);
      const picture = `${name}-${width}-${colorScheme}.png`;
      const now = await quarter(await page.screenshot({ fullPage: true, caret: 'hide' }));
      if (record) writeFileSync(path.join(kept, picture), now);
      const differs = await difference(readFileSync(path.join(kept, picture)), now);
      if (differs <= tolerance) continue;
      const seen = path.resolve(kept, '../../../target/screens', `changed-${picture}`);
      mkdirSync(path.dirname(seen), { recursive: true });
      writeFileSync(seen, now);
      found.push(`${picture}: ${(differs * 100).toFixed(1)} % of the dots differ; see target/screens/changed-${picture}`);
    }
    assert.deepEqual(found, []);
  });
}

test('a company with people, groups, tokens and refusals', async () => {
  await setUp(page, server);
  team = teamAddress(page);
  const provider = new Provider(server, await createToken(page, 'JumpCloud production'));
  await createToken(page, 'JumpCloud staging');
  await provider.activate();
  const people = ['Mei Chen', 'Jonas Keller', 'Priya Raman', 'Aiko Tanaka', 'Ben Carter', 'Fatima Zahra', 'Marcus Webb', 'Nadia Petrova'];
  const made = [];
  for (const name of people) made.push(await provider.user(...name.split(' ')));
  ids.engineering = await provider.group('Engineering', made.slice(0, 5));
  await provider.group('Support', made.slice(4));
  ids.priya = made[2];
  await provider.patch(`/Users/${ids.priya}`, { op: 'replace', path: 'title', value: 'Lead engineer' });
  await provider.patch(`/Users/${made[7]}`, { op: 'replace', path: 'active', value: false });
  await provider.request('POST', '/Users', { schemas: [`${core}User`], userName: 'mei.chen@example.com' });
  await server.settled();
  await page.goto(`${team}activity?status=409`);
  ids.refused = await page.locator('a[data-row]').first().getAttribute('href');
  await page.goto(new URL(ids.refused, page.url()).href);
  ids.refused = await page.getByRole('link', { name: 'Link to this request' }).getAttribute('href');
  ids.refused = new URL(ids.refused, page.url()).href;
  await page.goto(`${team}tokens`);
  ids.revoke = new URL(await page.getByRole('link', { name: /^Revoke / }).first().getAttribute('href'), page.url()).href;
  // What a live page fetches would come in the middle of a picture.
  await page.route('**/fragment/**', (route) => route.abort());
});

for (const [name, to] of Object.entries({
  users: () => `${team}users`, 'users-none': () => `${team}users?q=nobody-at-all`, user: () => `${team}users/${ids.priya}`,
  groups: () => `${team}groups`, group: () => `${team}groups/${ids.engineering}`, connect: () => `${team}connect`, activity: () => `${team}activity`,
  request: () => ids.refused, tokens: () => `${team}tokens`, confirm: () => ids.revoke, team: () => `${team}team`, admins: () => `${team}admins`,
  'not-found': () => `${team}users/nobody`,
})) screen(name, to);

screen('sign-in', () => '/admin/sign-in', () => page.context().clearCookies());
