// The new user's whole path, then every page in both schemes, wide and narrow, then the same without scripts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Provider, Server, administrator, browse, createToken, openPage, overflow, picture, setUp, teamAddress, violations } from './harness.mjs';

const people = [['Mei', 'Chen'], ['Jonas', 'Keller'], ['Priya', 'Raman'], ['Aiko', 'Tanaka'], ['Ben', 'Carter'],
  ['Fatima', 'Zahra'], ['Marcus', 'Webb'], ['Nadia', 'Petrova'], ['Oliver', 'Grant'], ['Lena', 'Fischer']];
let browser;
let server;
let page;
let provider;
let team;
const ids = {};

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await openPage(browser);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Every violation found so far; the last test wants none. */
const found = [];

/** Judges the page as it stands in both schemes and widths: axe-core, and whether it scrolls sideways. */
async function judged(name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, height] of [[1440, 900], [390, 844]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      found.push(...(await violations(page)).map((line) => `${width} ${colorScheme} ${line}`));
      const wide = await overflow(page);
      if (wide > 0) found.push(`${width} ${colorScheme} ${page.url()} is ${wide} px too wide`);
      await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
}

test('set-up: code, administrator, address', async () => {
  await page.goto(`${server.origin}/admin`);
  await page.getByLabel('Set-up code').fill('wrong-code');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Set-up code').waitFor();
  assert.match(await page.title(), /^Error/, 'a wrong code is an error on the same page');
  await judged('setup-error');
  await setUp(page, server, judged);
  team = teamAddress(page);
});

test('a token is made, shown once with what JumpCloud asks for', async () => {
  const token = await createToken(page, 'JumpCloud production', judged);
  assert.match(token, /^scimd_[0-9A-Za-z]{49}$/);
  assert.equal((await page.getByLabel('Base URL', { exact: true }).innerText()).trim(), server.base);
  assert.match((await page.getByLabel('Test User Email', { exact: true }).innerText()).trim(), /^[^@\s]+@[^@\s]+$/);
  assert.ok(await page.getByRole('button', { name: /^Copy/ }).count() >= 3, 'each field has a copy button');
  provider = new Provider(server, token);
  await page.getByLabel('I have copied the token').check();
  await page.getByRole('button', { name: 'Continue to the connection check' }).click();
  await page.getByRole('heading', { name: 'Connect JumpCloud', level: 1 }).waitFor();
  assert.ok(!(await page.content()).includes(token), 'once copied it is nowhere');
  await page.goto(`${team}tokens`);
  assert.ok(!(await page.content()).includes(token));
  await page.goBack();
});

test('the connect page tells what arrives', async () => {
  await page.goto(`${team}connect`);
  for (const label of ['Base URL', 'Test User Email']) assert.ok(await page.getByLabel(label, { exact: true }).isVisible(), label);
  await judged('connect-before');
  await provider.activate();
  await page.goto(`${team}connect`);
  const text = await page.locator('main').innerText();
  assert.match(text, /test user/i);
  await judged('connect-after');
});

test('ten users and three groups arrive, one is deactivated, one leaves a group', async () => {
  for (const [given, family] of people) ids[given] = await provider.user(given, family);
  ids.engineering = await provider.group('Engineering', [ids.Mei, ids.Jonas, ids.Priya, ids.Aiko]);
  ids.support = await provider.group('Support', [ids.Ben, ids.Fatima, ids.Marcus]);
  ids.everyone = await provider.group('All Staff', people.map(([given]) => ids[given]));
  await provider.patch(`/Users/${ids.Priya}`, { op: 'replace', path: 'active', value: false });
  await provider.patch(`/Groups/${ids.engineering}`, { op: 'remove', path: 'members', value: [{ value: ids.Jonas }] });
});

test('the users page shows exactly that', async () => {
  await page.goto(`${team}users`);
  const names = await page.locator('tbody a.name').allInnerTexts();
  assert.deepEqual(names.map((name) => name.trim()).sort(), people.map((name) => name.join(' ')).sort());
  const row = (name) => page.locator('tbody tr').filter({ hasText: name });
  assert.match(await row('Priya Raman').innerText(), /inactive/i);
  assert.doesNotMatch(await row('Mei Chen').innerText(), /inactive/i);
  assert.match(await row('Mei Chen').innerText(), /Engineering/);
  assert.doesNotMatch(await row('Jonas Keller').innerText(), /Engineering/);
  await page.goto(`${team}users?status=inactive`);
  assert.deepEqual((await page.locator('tbody a.name').allInnerTexts()).map((name) => name.trim()), ['Priya Raman']);
  await page.goto(`${team}users?q=chen`);
  assert.deepEqual((await page.locator('tbody a.name').allInnerTexts()).map((name) => name.trim()), ['Mei Chen']);
});

test('a user, the groups and a group', async () => {
  await page.goto(`${team}users/${ids.Jonas}`);
  const user = await page.locator('main').innerText();
  assert.match(user, /Jonas Keller/);
  assert.match(user, /jonas\.keller@example\.com/);
  assert.match(user, /All Staff/);
  await page.goto(`${team}groups`);
  const row = (name) => page.locator('tbody tr').filter({ hasText: name });
  assert.match(await row('Engineering').innerText(), /\b3\b/);
  assert.match(await row('Support').innerText(), /\b3\b/);
  assert.match(await row('All Staff').innerText(), /\b10\b/);
  assert.equal(await page.locator('tbody tr').count(), 3, 'the test group is gone');
  await page.goto(`${team}groups/${ids.engineering}`);
  const members = await page.locator('main tbody a.name').allInnerTexts();
  assert.deepEqual(members.map((name) => name.trim()).sort(), ['Aiko Tanaka', 'Mei Chen', 'Priya Raman']);
});

test('the token shows that it is used, and from where', async () => {
  await page.goto(`${team}tokens`);
  const row = page.locator('tbody tr').filter({ hasText: 'JumpCloud production' });
  const text = await row.innerText();
  assert.match(text, /127\.0\.0\.1/);
  assert.doesNotMatch(text, /never/i);
});

test('a refused request is told with its cause', async () => {
  await provider.request('GET', '/Users', undefined, { authorization: 'Bearer scimd_wrong' });
  const again = await provider.request('POST', '/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'mei.chen@example.com' });
  assert.equal(again.status, 409);
  await page.waitForTimeout(1500);
  await page.goto(`${team}activity`);
  const text = await page.locator('main').innerText();
  assert.match(text, /401/);
  assert.match(text, /409/);
  assert.match(text, /Priya Raman/);
});

test('names are hostile input', async () => {
  const evil = '<img src=x onerror=alert(1)>"\'&';
  await provider.send(201, 'POST', '/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: evil, displayName: evil });
  await provider.group(`<script>alert(2)</script>`, []);
  page.on('dialog', (dialog) => { page.faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  for (const path of ['users', 'groups', 'activity', '']) {
    await page.goto(team + path);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  }
});

test('every other page is looked at', async () => {
  for (const [name, path] of [['overview', ''], ['users', 'users'], ['users-none', 'users?q=nobody-at-all'], ['user', `users/${ids.Mei}`], ['user-inactive', `users/${ids.Priya}`],
    ['groups', 'groups'], ['group', `groups/${ids.engineering}`], ['tokens', 'tokens'], ['token-new', 'tokens/new'], ['connect', 'connect'], ['activity', 'activity'],
    ['activity-errors', 'activity?status=401'], ['team', 'team'], ['admins', 'admins'], ['not-found', 'users/nobody']]) {
    await page.goto(team + path);
    await judged(name);
  }
});

test('revoking stops the token', async () => {
  await page.goto(`${team}tokens`);
  const row = page.locator('tbody tr').filter({ hasText: 'JumpCloud production' });
  const revoke = row.getByRole('link', { name: /Revoke/ }).or(row.getByRole('button', { name: /Revoke/ }));
  await revoke.first().click();
  await page.waitForTimeout(300);
  await page.getByRole('button', { name: /^Revoke/ }).last().click();
  await page.waitForLoadState();
  assert.equal((await provider.request('GET', '/Users')).status, 401);
});

test('sign-out and sign-in', async () => {
  await page.goto(team);
  await page.getByText('Account menu').first().click({ force: true });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await judged('sign-in');
  await page.goto(`${team}users`);
  await page.getByLabel('Email').fill(administrator.email);
  await page.getByLabel('Password', { exact: true }).fill('wrong pass phrase');
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.title(), /^Error/);
  await judged('sign-in-error');
  await page.getByLabel('Email').fill(administrator.email);
  await page.getByLabel('Password', { exact: true }).fill(administrator.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
  assert.equal(page.url(), `${team}users`, 'back where one was going');
});

test('the headers of a page are strict', async () => {
  const answer = await page.goto(team);
  const headers = answer.headers();
  assert.match(headers['content-security-policy'], /default-src 'none'/);
  assert.doesNotMatch(headers['content-security-policy'], /unsafe/);
  assert.match(headers['cache-control'], /no-store/);
  assert.equal(headers['referrer-policy'], 'no-referrer');
  const cookies = await page.context().cookies();
  const session = cookies.find((cookie) => cookie.name.startsWith('__Host-'));
  assert.ok(session?.httpOnly && session.secure && ['Lax', 'Strict'].includes(session.sameSite), JSON.stringify(cookies));
});

test('no page has a violation, in either scheme, wide or narrow', () => {
  assert.equal(found.length, 0, `\n${found.join('\n')}`);
});

test('nothing went wrong behind the pages', () => {
  assert.deepEqual(page.faults, []);
});

test('without scripts: sign in, make a token, revoke it', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.goto(`${team}tokens`);
  await plain.getByLabel('Email').fill(administrator.email);
  await plain.getByLabel('Password', { exact: true }).fill(administrator.password);
  await plain.getByRole('button', { name: 'Sign in' }).click();
  await plain.getByRole('link', { name: 'New token' }).first().click();
  await plain.getByLabel('Name', { exact: true }).fill('Without scripts');
  await plain.getByRole('button', { name: 'Create token' }).click();
  const token = (await plain.getByLabel('Token Key', { exact: true }).innerText()).trim();
  const caller = new Provider(server, token);
  assert.equal((await caller.request('GET', '/Users')).status, 200);
  await plain.goto(`${team}tokens`);
  await plain.locator('tbody tr').filter({ hasText: 'Without scripts' }).getByRole('link', { name: /Revoke/ }).click();
  await plain.getByRole('button', { name: /^Revoke/ }).click();
  assert.equal((await caller.request('GET', '/Users')).status, 401);
  for (const path of ['', 'users', 'groups', 'activity', 'connect', `users/${ids.Mei}`]) {
    const answer = await plain.goto(team + path);
    assert.equal(answer.status(), 200, path);
  }
  assert.deepEqual(plain.faults, []);
});
