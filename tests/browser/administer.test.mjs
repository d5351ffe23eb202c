// What an administrator does later: rotate a token with proof, invite and remove others, remove a team and bring it back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Provider, Server, browse, createToken, openPage, overflow, picture, setUp, soon, teamAddress, violations } from './harness.mjs';

let browser;
let server;
let page;
let provider;
let team;
const found = [];

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await openPage(browser);
  await setUp(page, server);
  team = teamAddress(page);
  provider = new Provider(server, await createToken(page, 'JumpCloud production'));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Judges the page light and wide, then dark and narrow; the last test wants nothing found. */
async function judged(name) {
  for (const [colorScheme, width, height] of [['light', 1440, 900], ['dark', 390, 844]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    found.push(...(await violations(page)).map((line) => `${width} ${colorScheme} ${line}`));
    const wide = await overflow(page);
    if (wide > 0) found.push(`${width} ${colorScheme} ${page.url()} is ${wide} px too wide`);
    await picture(page, `${name}-${width}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
}

test('the connect page ticks by itself, and its steps with it', async () => {
  await page.goto(`${team}connect`);
  await page.locator('[data-live-state]').getByText('Live', { exact: true }).waitFor();
  const line = page.locator('#connect-checks li.ok').filter({ hasText: 'User list read' });
  assert.equal(await line.count(), 0);
  await provider.send(200, 'GET', '/Users?startIndex=1&count=100');
  await line.waitFor(soon);
  assert.equal(await page.locator('.steps > li').nth(2).getAttribute('class'), 'done');
});

test('a very long name stays within the page', async () => {
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
  const long = await provider.send(201, 'POST', '/Users', { schemas, userName: 'long@example.com', displayName: 'Wolfeschlegelstein'.repeat(200) });
  await provider.send(201, 'POST', '/Users', { schemas, userName: 'rtl@example.com', displayName: 'فاطمة الزهراء 🎉' });
  await provider.group('Everyone', [long.id]);
  for (const path of ['', 'users', `users/${long.id}`, 'groups', 'activity']) {
    await page.goto(team + path);
    await judged(`long-${path.replaceAll('/', '-') || 'overview'}`);
  }
});

test('system health tells what it knows', async () => {
  await page.goto(`${team}health-status`);
  const text = await page.locator('main').innerText();
  for (const words of [/Certificate/, /Made by scimd itself/, /Database/, /Every entry’s hash fits/, /Disk/, /Requests/, /Reached from outside\s+Not seen yet/, /Clock/, /How fast it fills is known after a week/, /What uses the disk/]) assert.match(text, words);
  await judged('health');
  await page.getByRole('link', { name: 'Support file' }).first().click();
  assert.match(await page.locator('main').innerText(), /What is in it[^]*max-connections/);
  await judged('support');
});

test('the token list and System health are right while they are open', async () => {
  await page.goto(`${team}health-status`);
  const checked = () => page.locator('#lead time').getAttribute('datetime');
  const before = await checked();
  await page.waitForFunction((before) => document.querySelector('#lead time').dateTime !== before, before, { timeout: 90_000 });
  assert.match(await page.locator('#lead').textContent(), /again every 30 s/);
  const watched = new Provider(server, await createToken(page, 'Watched'));
  await page.goto(`${team}tokens`);
  await page.locator('[data-live-state]').getByText('Live', { exact: true }).waitFor();
  const row = page.getByRole('row', { name: /Watched/ });
  await row.getByText('Never used').waitFor();
  await watched.send(200, 'GET', '/Users?count=1');
  await row.getByText('In use').waitFor();
  await page.goto(`${team}tokens/2/revoke`);
  await page.getByRole('button', { name: /Revoke/ }).click();
});

test('a token is rotated: both work, the page watches both, the old one is revoked when that is safe', async () => {
  await page.goto(`${team}tokens`);
  await page.locator('tbody tr').filter({ hasText: 'JumpCloud production' }).getByRole('link', { name: /^Rotate/ }).click();
  await judged('token-rotate');
  await page.getByRole('button', { name: 'Create the new token' }).click();
  const next = new Provider(server, (await page.getByLabel('Token Key', { exact: true }).innerText()).trim());
  assert.match(await page.locator('#first-use').innerText(), /The old token …\w{4} keeps working for 7 days/);
  await judged('token-created');
  const made = page.url();
  await page.goto(`${team}tokens`);
  const rotation = page.locator('#rotation');
  const old = page.locator('tbody tr').filter({ hasText: 'JumpCloud production, old' });
  assert.match(await old.innerText(), /Being replaced[^]*in 7 days/);
  assert.equal(await old.getByRole('link', { name: /^Rotate/ }).count(), 0);
  assert.match(await rotation.innerText(), /until you revoke it or until \d+ \w+ at/);
  assert.match(await rotation.innerText(), /Not yet safe: nothing has used the new token/);
  await judged('rotation-begun');
  assert.equal((await provider.request('GET', '/Users')).status, 200, 'the old one still works');
  await page.goto(made);
  await page.locator('[data-live-state]').getByText('Live', { exact: true }).waitFor();
  await next.send(200, 'GET', '/Users');
  await page.locator('#first-use').getByText('First request with this token').waitFor(soon);
  await page.goto(`${team}tokens`);
  await rotation.getByText('Safe: nothing has used it since').waitFor(soon);
  assert.match(await rotation.innerText(), /1 request so far from 127\.0\.0\.1, all accepted[^]* of 24 h/);
  // A token's last use is written down once a second at most.
  await page.waitForTimeout(1200);
  await provider.send(200, 'GET', '/Users');
  await rotation.getByText('Something still has it').waitFor(soon);
  await judged('rotation-under-way');
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('link').click();
  assert.match(page.url(), /\?sort=name$/);
  assert.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'ascending');
  await rotation.getByRole('link', { name: /Revoke the old token/ }).click();
  await judged('rotation-revoke');
  await page.getByRole('button', { name: 'Revoke it' }).click();
  await page.waitForLoadState();
  assert.equal((await provider.request('GET', '/Users')).status, 401);
  assert.equal((await next.request('GET', '/Users')).status, 200);
});

test('an administrator is invited by a link that works once, looks without changing, and is removed', async () => {
  await page.goto(`${team}admins`);
  await page.getByRole('link', { name: 'Invite an administrator' }).click();
  await judged('invite');
  await page.getByLabel('Email').fill('viewer@example.com');
  await page.getByLabel('Read only').check();
  await page.getByRole('button', { name: 'Create the link' }).click();
  await judged('invited');
  const link = (await page.getByLabel('Link', { exact: true }).innerText()).trim();

  const viewer = await openPage(browser, { javaScriptEnabled: false });
  await viewer.goto(link);
  await viewer.getByLabel('Password', { exact: true }).fill('a viewer pass phrase');
  await viewer.getByLabel('Password again').fill('a viewer pass phrase');
  await viewer.getByRole('button', { name: 'Join' }).click();
  await viewer.getByRole('heading', { level: 1 }).waitFor();
  for (const [path, status] of [['tokens', 200], ['tokens/new', 403], ['admins', 200], ['admins/invite', 403], ['team/remove', 403]]) {
    assert.equal((await viewer.goto(team + path)).status(), status, path);
  }
  assert.equal((await viewer.goto(link)).status(), 410);
  assert.deepEqual(viewer.faults, []);

  await page.goto(`${team}admins`);
  await judged('admins');
  await page.locator('tbody tr').filter({ hasText: 'viewer@example.com' }).getByRole('link', { name: /^Change/ }).click();
  await judged('administrator');
  await page.getByRole('link', { name: 'Remove this administrator' }).click();
  await judged('administrator-remove');
  await page.getByRole('button', { name: 'Remove them' }).click();
  await page.getByText('The administrator was removed').waitFor();
  assert.match((await viewer.goto(`${team}users`)).url(), /sign-in/, 'signed out at once');
});

test('the last administrator with full access stays', async () => {
  await page.goto(`${team}admins`);
  await page.locator('tbody tr').first().getByRole('link', { name: /^Change/ }).click();
  await page.getByText('The last administrator with full access cannot be removed').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Remove this administrator' }).count(), 0);
  await page.goto(`${page.url()}/remove`);
  await page.getByText('nobody could change anything then').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Remove them' }).count(), 0);
  await page.goto(`${team}admins`);
  assert.equal(await page.locator('tbody tr').count(), 1);
});

test('a team chooses what is kept; what is wrong comes back with its words and what was entered', async () => {
  await page.goto(`${team}team`);
  await page.getByLabel(/^Keep history for/).fill('soon');
  await page.getByLabel(/^Keep requests for/).fill('0');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').getByText('Keep history for: enter the number of days in digits').waitFor();
  assert.match(await page.title(), /^Error/);
  assert.equal(await page.getByLabel(/^Keep history for/).inputValue(), 'soon');
  await judged('team-error');
  await page.getByRole('alert').getByRole('link', { name: /^Keep requests for/ }).click();
  await page.keyboard.type('9');
  await page.getByLabel(/^Keep history for/).fill('365');
  await page.getByLabel(/^Keep requests for/).fill('90');
  await page.getByLabel(/^Two groups may have the same name/).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved').waitFor();
  assert.equal(await page.getByLabel(/^Keep history for/).inputValue(), '365');
  assert.ok(await page.getByLabel(/^Two groups may have the same name/).isChecked());
  await judged('team');
});

test('many people deactivated at once are told on the overview', async () => {
  const caller = new Provider(server, await createToken(page, 'Deactivations'));
  const ids = [];
  for (let number = 0; number < 11; number++) ids.push(await caller.user('Leaver', `Number${number}`));
  await page.goto(team);
  assert.equal(await page.getByText(/deactivated within the last hour/).count(), 0);
  for (const id of ids) await caller.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false });
  await page.goto(team);
  await page.getByText('11 people were deactivated within the last hour').waitFor();
  await judged('overview-leaving');
});

const BADGE = 'urn:example:params:scim:schemas:extension:badge:2.0:User';

test('a schema is pasted or chosen without scripts, its faults are told by their place, and who uses it keeps it', async () => {
  const caller = new Provider(server, await createToken(page, 'Badges'));
  const plain = await openPage(browser, { javaScriptEnabled: false, storageState: await page.context().storageState() });
  await plain.goto(`${team}schemas`);
  await plain.getByText('No attributes of your own yet').waitFor();
  await plain.getByRole('link', { name: 'Add a schema' }).click();
  const add = async (text) => {
    await plain.getByLabel('Document').fill(text);
    await plain.getByRole('button', { name: 'Add schema' }).click();
  };
  await add('{\n  "id": oops\n}');
  await plain.getByRole('alert').getByText(/line 2, column \d+/).waitFor();
  await add(JSON.stringify({ id: BADGE, attributes: [{ name: 'number', type: 'strin' }] }));
  await plain.getByRole('alert').getByText(/^attributes\[0\]\.type/).waitFor();
  assert.match(await plain.title(), /^Error/);
  assert.match(await plain.getByLabel('Document').inputValue(), /"strin"/);
  const document = { id: BADGE, name: 'Badge', description: 'Opens doors', attributes: [
    { name: 'number', type: 'string', uniqueness: 'server', description: 'Printed on it' },
    { name: 'doors', type: 'complex', multiValued: true, subAttributes: [{ name: 'value' }] }] };
  await plain.getByLabel('Or a file with it').setInputFiles({ name: 'badge.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(document)) });
  await plain.getByRole('button', { name: 'Add schema' }).click();
  await plain.getByText('The schema was added').waitFor();
  assert.match(await plain.locator('main').innerText(), /Used by nobody/);
  assert.deepEqual(plain.faults, []);

  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User', BADGE];
  const user = { schemas, userName: 'badge@example.com', displayName: 'Grace Hopper', [BADGE]: { number: 'B-1' } };
  const { id } = await caller.send(201, 'POST', '/Users', user);
  await page.goto(`${team}schemas/add`);
  await judged('schema-add');
  await page.goto(`${team}schemas`);
  assert.match(await page.locator('main').innerText(), /Used by 1 user/);
  assert.match(await page.locator('main').innerText(), /doors\.value/);
  await judged('schemas');
  await page.getByRole('link', { name: 'Remove Badge' }).click();
  await page.getByText('1 user has values under it: Grace Hopper').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Remove the schema' }).count(), 0);
  await judged('schema-in-use');
  await caller.send(204, 'DELETE', `/Users/${id}`);
  await page.reload();
  await page.getByRole('button', { name: 'Remove the schema' }).click();
  await page.getByText('The schema was removed').waitFor();
  await page.getByText('No attributes of your own yet').waitFor();
});

test('a team is removed by its name and brought back', async () => {
  await page.goto(`${team}team`);
  await page.getByLabel('Name of the new team').fill('Labs');
  await page.getByRole('button', { name: 'Add team' }).click();
  await page.getByRole('heading', { name: 'Connect JumpCloud', level: 1 }).waitFor();
  const labs = teamAddress(page);
  const caller = new Provider(server, await createToken(page, 'Labs'));
  await page.goto(`${labs}team/remove`);
  await page.getByLabel(/Type the team/).fill('labs');
  await page.getByRole('button', { name: 'Remove the team' }).click();
  assert.match(await page.title(), /^Error/);
  await judged('team-remove');
  assert.equal((await caller.request('GET', '/Users')).status, 200, 'another name removes nothing');
  await page.getByLabel(/Type the team/).fill('Labs');
  await page.getByRole('button', { name: 'Remove the team' }).click();
  await page.getByText('The team was removed').waitFor();
  await judged('team-removed');
  assert.equal((await caller.request('GET', '/Users')).status, 401);
  assert.equal((await page.request.get(`${labs}users`)).status(), 404);
  assert.match(await page.locator('main').innerText(), /Its data is erased on \d+ \w+ \d{4} at [0-9:]+ UTC; until then this can be undone/);
  await page.getByRole('button', { name: 'Undo the removal of Labs' }).click();
  await page.getByText('The team is back').waitFor();
  assert.equal((await caller.request('GET', '/Users')).status, 200);
});

test('no page has a violation or scrolls sideways, and nothing went wrong behind it', () => {
  assert.equal(found.length, 0, `\n${found.join('\n')}`);
  assert.deepEqual(page.faults, []);
});
