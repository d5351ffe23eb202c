// Signing in and staying signed in, as a person sees it: the second step with and without scripts, the line before the session
// ends, what was entered in time, the keyboard, and what the style sheet promises to those who print or want nothing to move.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Provider, Server, administrator, browse, createToken, openPage, otp, setUp, teamAddress } from './harness.mjs';

let browser;
let server;
let page;
let team;
let key;
let codes;

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await openPage(browser);
  await setUp(page, server);
  team = teamAddress(page);
  const provider = new Provider(server, await createToken(page, 'JumpCloud'));
  for (const name of ['Mei', 'Jonas', 'Priya']) await provider.user(name, 'Example');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Fills the first page of signing in. */
async function password(one) {
  await one.getByLabel('Email').fill(administrator.email);
  await one.getByLabel('Password', { exact: true }).fill(administrator.password);
  await one.getByRole('button', { name: 'Sign in' }).click();
}

test('single keys lead to pages, rows and the search, never from within a field, and can be switched off', async () => {
  for (const [letter, path] of [['o', ''], ['u', 'users'], ['g', 'groups'], ['a', 'activity'], ['t', 'tokens'], ['c', 'connect']]) {
    await page.goto(`${team}team`);
    await page.keyboard.press('g');
    await Promise.all([page.waitForURL(team + path), page.keyboard.press(letter)]);
  }
  await page.goto(`${team}users`);
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  await page.keyboard.press('j');
  assert.equal(await focused(), 'Jonas Example');
  await page.keyboard.press('j');
  assert.equal(await focused(), 'Mei Example');
  await page.keyboard.press('k');
  assert.equal(await focused(), 'Jonas Example');
  await Promise.all([page.waitForURL(/users\/[0-9a-f-]{36}$/), page.keyboard.press('Enter')]);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
  await page.keyboard.type('gt');
  assert.equal(await page.locator('#q').inputValue(), 'gt', 'in a field a key is a letter');
  await page.locator('details.me summary').click();
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('details.me').getAttribute('open'), null);
  await page.goto(`${team}keys`);
  await page.locator('main').getByRole('button', { name: 'Switch shortcuts off' }).click();
  await page.locator('main').getByText('They are switched off').waitFor();
  await page.keyboard.press('/');
  assert.notEqual(await page.evaluate(() => document.activeElement.id), 'q');
  await page.locator('main').getByRole('button', { name: 'Switch shortcuts on' }).click();
  await page.locator('main').getByRole('button', { name: 'Switch shortcuts off' }).waitFor();
});

test('the first stop is the skip link, and every stop has a ring that nothing covers', async () => {
  await page.goto(`${team}users`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.setViewportSize({ width: 1000, height: 500 });
  await page.goto(`${team}users`);
  for (let stop = 0; stop < 60; stop++) {
    await page.keyboard.press('Tab');
    const fault = await page.evaluate(() => {
      const el = document.activeElement;
      if (el === document.body) return '';
      const box = el.getBoundingClientRect();
      const ring = [el, el.closest('.in, label, .find')].filter(Boolean).some((e) => getComputedStyle(e).outlineStyle !== 'none');
      const what = el.outerHTML.slice(0, 80);
      if (!ring) return `no ring: ${what}`;
      const top = document.elementFromPoint(Math.max(0, box.left + Math.min(8, box.width / 2)), box.top + box.height / 2);
      if (box.height < 400 && box.width > 1 && top && !el.contains(top) && !top.contains(el)) return `covered: ${what} by ${top.outerHTML.slice(0, 60)}`;
      return '';
    });
    assert.equal(fault, '');
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('the second step is set up without scripts, with a code of the app, and asked for from then on', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.goto(`${team}you`);
  await password(plain);
  await plain.getByRole('link', { name: 'Set up the second step' }).click();
  const drawing = plain.getByRole('img', { name: /QR code/ });
  assert.ok((await drawing.locator('path').nth(1).getAttribute('d')).length > 2000, 'a drawing made by the server');
  key = (await plain.getByLabel('Key', { exact: true }).innerText()).trim();
  await plain.reload();
  assert.equal((await plain.getByLabel('Key', { exact: true }).innerText()).trim(), key, 'the same while it is being set up');
  await plain.getByLabel('Code', { exact: true }).fill('000000');
  await plain.getByRole('button', { name: 'Turn on the second step' }).click();
  assert.match(await plain.title(), /^Error/);
  await plain.getByLabel('Code', { exact: true }).fill(otp(key));
  await plain.getByRole('button', { name: 'Turn on the second step' }).click();
  codes = await plain.locator('#codes li').allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  await plain.getByLabel('I have stored the codes').check();
  await plain.getByRole('button', { name: 'Continue' }).click();
  assert.doesNotMatch(await plain.content(), new RegExp(`${key.replaceAll(' ', ' ?')}|${codes[0]}`), 'shown once');
  await plain.goto(`${team}you/codes`);
  assert.ok(!(await plain.content()).includes(codes[0]));

  const other = await openPage(browser, { javaScriptEnabled: false });
  await other.goto(`${team}groups`);
  await password(other);
  await other.getByLabel('Code', { exact: true }).fill(otp(key, 1));
  await other.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(other.url(), `${team}groups`, 'back where one was going');
  assert.deepEqual([...plain.faults, ...other.faults], []);
});

test('a sensitive change asks for a code when the last proof is old, then goes on without typing it again', async () => {
  await page.goto(`${team}tokens/new`);
  server.sql('update session set proved = 0');
  await page.getByLabel('Name', { exact: true }).fill('Okta staging');
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
  await page.getByLabel('Code', { exact: true }).fill(codes[0]);
  await page.getByRole('button', { name: 'Confirm and go on' }).click();
  await page.getByRole('heading', { name: 'Token created: Okta staging' }).waitFor();
});

test('five minutes before the end a line offers to stay, by script, and by the style sheet alone', async () => {
  const { origin } = server;
  const timed = await openPage(browser);
  await timed.context().addCookies(await page.context().cookies());
  await timed.clock.install();
  await timed.goto(`${team}users`);
  const line = timed.locator('.stay');
  const shown = () => line.evaluate((el) => getComputedStyle(el).visibility);
  await timed.clock.fastForward('03:54:00');
  assert.equal(await shown(), 'hidden');
  await timed.clock.fastForward('00:01:30');
  assert.equal(await shown(), 'visible');
  const asked = timed.waitForRequest(`${origin}/admin/stay`);
  await timed.getByRole('button', { name: 'Stay signed in' }).click();
  await asked;
  await timed.waitForFunction(() => getComputedStyle(document.querySelector('.stay')).visibility === 'hidden');
  await timed.clock.fastForward('03:56:00');
  assert.equal(await shown(), 'visible', 'and again later');
  assert.deepEqual(timed.faults, []);

  // The animation of the style sheet is moved by hand: four hours are too long for a test.
  await page.goto(`${team}users`);
  const bare = page.locator('.stay');
  for (const reducedMotion of ['no-preference', 'reduce']) {
    await page.emulateMedia({ reducedMotion });
    const visible = (ms) => bare.evaluate((el, at) => {
      const [animation] = el.getAnimations();
      animation.currentTime = at;
      return getComputedStyle(el).visibility;
    }, ms);
    assert.deepEqual([await visible(14_000_000), await visible(14_102_000)], ['hidden', 'visible'], reducedMotion);
  }
  await page.emulateMedia({ reducedMotion: null });
});

test('without scripts the line is a form that stays', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.context().addCookies(await page.context().cookies());
  await plain.goto(`${team}users`);
  const form = plain.locator('form.stay');
  assert.equal(await form.getAttribute('action'), '/admin/stay');
  await server.settled();
  server.sql('update session set created = created - 42000000');
  await plain.goto(`${team}users?status=active`);
  assert.equal(await form.getAttribute('class'), 'stay now');
  assert.match(await form.innerText(), /12 hours is the longest/);
  await plain.getByRole('link', { name: 'Sign in again' }).click();
  await password(plain);
  await plain.getByRole('link', { name: 'Use a recovery code' }).click();
  await plain.getByLabel('Recovery code').fill(codes[1]);
  await plain.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(plain.url(), `${team}users?status=active`);
  assert.doesNotMatch(await form.innerText(), /12 hours is the longest/);
  await page.context().addCookies(await plain.context().cookies());
});

test('what was entered when the session had ended is shown, then sent once', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.context().addCookies(await page.context().cookies());
  await plain.goto(`${team}team`);
  await plain.getByLabel('Name', { exact: true }).fill('<i>Waited</i>');
  await server.settled();
  server.sql('update session set seen = seen - 14400001');
  await plain.getByRole('button', { name: 'Save' }).click();
  const text = await plain.locator('main').innerText();
  assert.match(text, /ended after 4 hours without use/);
  assert.match(text, /asked whether to send it/);
  await password(plain);
  await plain.getByRole('link', { name: 'Use a recovery code' }).click();
  await plain.getByLabel('Recovery code').fill(codes[2]);
  await plain.getByRole('button', { name: 'Sign in' }).click();
  await plain.getByRole('heading', { name: 'Send what you entered?' }).waitFor();
  assert.match(await plain.locator('main').innerText(), /<i>Waited<\/i>/);
  const waits = plain.url();
  await plain.getByRole('button', { name: 'Send it' }).click();
  assert.equal(await plain.getByLabel('Name', { exact: true }).inputValue(), '<i>Waited</i>');
  assert.equal((await plain.goto(waits)).status(), 410);
  assert.deepEqual(plain.faults, []);
  await page.context().addCookies(await plain.context().cookies());
});

test('colours and zone are chosen without scripts', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.context().addCookies(await page.context().cookies());
  await plain.goto(`${team}users`);
  await plain.locator('details.me summary').click();
  await plain.getByRole('button', { name: 'Use dark colours' }).click();
  assert.equal(await plain.locator('html').getAttribute('data-theme'), 'dark');
  assert.equal(plain.url(), `${team}users`);
  await plain.getByRole('button', { name: 'Local' }).click();
  await plain.getByLabel('Time zone').selectOption('Europe/Berlin');
  await plain.getByRole('button', { name: 'Use this zone' }).click();
  assert.equal(await plain.getByRole('button', { name: 'Local' }).getAttribute('aria-pressed'), 'true');
  assert.match(await plain.locator('main time').first().getAttribute('title'), /Europe\/Berlin$/);
});

test('nothing moves for those who want that, and states keep a border in forced colours', async () => {
  await page.goto(`${team}tokens`);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => !one.effect.target.matches('.stay')).length);
  assert.equal(moving, 0);
  await page.emulateMedia({ reducedMotion: null, forcedColors: 'active' });
  assert.notEqual(await page.locator('.chip').first().evaluate((el) => getComputedStyle(el).borderTopStyle), 'none');
  await page.emulateMedia({ forcedColors: null });
  assert.deepEqual(page.faults, []);
});
