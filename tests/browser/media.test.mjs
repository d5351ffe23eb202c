// The pages on paper and in forced colours: nothing to press is printed, every column is, once; and which tab, page or choice
// is the current one shows without the page's own colours.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Provider, Server, browse, createToken, openPage, setUp, teamAddress } from './harness.mjs';

let browser;
let server;
let page;
let team;

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await openPage(browser);
  await setUp(page, server);
  team = teamAddress(page);
  const provider = new Provider(server, await createToken(page, 'JumpCloud production'));
  await provider.group('Engineering', [await provider.user('Mei', 'Chen')]);
  await server.settled();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What is shown of a selector. */
const shown = (selector) => page.locator(selector).evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent.trim()));

for (const path of ['', 'users', 'groups', 'activity', 'tokens', 'connect', 'team', 'admins', 'health-status']) {
  test(`printed: ${path || 'overview'}`, async () => {
    // A sheet of A4 is as wide as a narrow window, and no window.
    await page.setViewportSize({ width: 794, height: 1123 });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.goto(team + path);
    assert.deepEqual(await shown('.rail, .top, .stay, .btn, .skip, .bar'), []);
    assert.deepEqual(await shown('.only-s, .only-xs'), [], 'what a column says is not said a second time');
    const columns = page.locator('th.p1, th.p2, th.p3, td.p1, td.p2, td.p3');
    const hidden = await columns.evaluateAll((all) => all.filter((one) => !one.checkVisibility() && !one.closest('details:not([open])')).length);
    assert.equal(hidden, 0, 'every column is there');
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.match(paper, /^rgb\(255, 255, 255\)$|^rgba\(0, 0, 0, 0\)$/, 'light, whatever the screen is');
  });
}

test('forced colours: the current tab, page and choice have a mark of their own', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ media: 'screen', forcedColors: 'active', colorScheme });
    await page.goto(`${team}users`);
    const marks = (current, other) => page.evaluate(([current, other]) => [current, other].map((selector) => {
      const style = getComputedStyle(document.querySelector(selector));
      return `${style.borderBottomWidth} ${style.borderBottomColor} ${style.outlineStyle} ${style.outlineColor}`;
    }), [current, other]);
    for (const [current, other] of [
      ['.tabs a[aria-current]', '.tabs a:not([aria-current])'], ['.rail a[aria-current]', '.rail-in > ul > li > a:not([aria-current])'],
      ['.zone button[aria-pressed="true"]', '.zone button[aria-pressed="false"]'],
    ]) {
      const [one, two] = await marks(current, other);
      assert.notEqual(one, two, `${current} looks as ${other} does, ${colorScheme}`);
    }
  }
});
