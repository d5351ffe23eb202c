// Connecting a provider, live: each provider's own page, every line within a second of its request, the overview without a
// reload, the self-test, and the comparison with an export; with scripts and without.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Provider, Server, administrator, browse, createToken, openPage, overflow, picture, setUp, soon, teamAddress, violations } from './harness.mjs';

let browser;
let server;
let page;
let provider;
let team;
const found = [];
const user = 'urn:ietf:params:scim:schemas:core:2.0:User';

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

/** Judges the page in both schemes and widths; the last test wants nothing found. */
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

const live = (word) => page.locator('[data-live-state]').getByText(word, { exact: true }).waitFor(soon);

/** Does something and waits for what it brings; tells how long that took, and leaves to the reader whether a machine was slow. */
async function brings(what, act, seen) {
  assert.equal(await seen.count(), 0, `${what} is not there before`);
  await act();
  const sent = Date.now();
  await seen.first().waitFor(soon);
  console.log(`${what}: seen ${Date.now() - sent} ms later`);
}

test('each provider has its page in its own words, and the choice is remembered', async () => {
  for (const [key, name, heading, labels, lines] of [
    ['okta', 'Okta', 'Connect Okta', ['SCIM connector base URL'], ['Group list read', 'First group pushed']],
    ['entra', 'Entra ID', 'Connect Entra ID', ['Tenant URL'], ['Somebody looked up by a filter']],
    ['onelogin', 'OneLogin', 'Connect OneLogin', ['SCIM Base URL'], ['First user updated']],
    ['other', 'Other SCIM 2.0 client', 'Connect a provider', ['Base URL'], ['What this server offers was read']],
    ['jumpcloud', 'JumpCloud', 'Connect JumpCloud', ['Base URL', 'Test User Email'], ['Test user created', 'Member added to the test group']],
  ]) {
    await page.goto(`${team}connect`);
    await page.getByRole('combobox', { name: 'Provider' }).selectOption(name);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    for (const label of labels) assert.ok(await page.getByLabel(label, { exact: true }).isVisible(), label);
    assert.equal(await page.getByLabel('Test User Email', { exact: true }).count(), key === 'jumpcloud' ? 1 : 0);
    for (const line of lines) assert.equal(await page.locator('#connect-checks li').filter({ hasText: line }).count(), 1, line);
    assert.match(await page.locator('main').innerText(), /certificate was made by scimd itself/i, 'the warnings hold for all');
    await judged(`connect-${key}`);
    await page.goto(`${team}users`);
    assert.ok(await page.locator('#menu').getByRole('link', { name: heading, exact: true }).isVisible(), 'the rail says it too');
  }
});

test('every line of JumpCloud ticks within a second of its request', async () => {
  await page.goto(`${team}connect`);
  await live('Live');
  const line = (title) => page.locator('#connect-checks li.ok').filter({ hasText: title });
  const address = 'scim.test@example.com';
  let id;
  let group;
  await brings('the list', () => provider.send(200, 'GET', '/Users?startIndex=1&count=100'), line('User list read'));
  assert.equal(await line('First request arrived').count(), 1);
  const refused = page.locator('#connect-checks li.bad');
  await brings('a refusal', () => provider.request('POST', '/Users', { schemas: [user] }), refused);
  assert.match(await refused.innerText(), /userName/);
  await provider.send(201, 'POST', '/Users', { schemas: [user], userName: address, active: true }).then((made) => { id = made.id; });
  await page.waitForTimeout(700);
  assert.equal(await refused.count(), 0, 'what was accepted since ends it');
  await provider.patch(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Changed' });
  group = (await provider.send(201, 'POST', '/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'SCIM Test' })).id;
  await provider.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: [{ value: id }] });
  await provider.send(204, 'DELETE', `/Groups/${group}`);
  // Who was deleted within two minutes was a test: five lines at once.
  await brings('the deletion', () => provider.send(204, 'DELETE', `/Users/${id}`), line('Test user and group deleted'));
  for (const title of ['Test user created', 'Test user found and updated', 'Test group created', 'Member added to the test group']) {
    assert.equal(await line(title).count(), 1, title);
  }
  const steps = () => page.locator('.steps > li').evaluateAll((all) => all.map((step) => step.className));
  assert.deepEqual(await steps(), ['done', 'done', 'done', 'done', 'now']);
  let ada;
  await brings('a real user', async () => { ada = await provider.user('Ada', 'Example'); }, line('First real user'));
  await brings('a real group', () => provider.group('Engineering', [ada]), line('First real group'));
  assert.deepEqual(await steps(), ['done', 'done', 'done', 'done', 'done']);
  await judged('connect-live');
});

test('what holds the focus or a selection waits', async () => {
  await page.goto(`${team}connect`);
  await live('Live');
  await page.waitForTimeout(800);
  const rows = page.locator('#connect-latest tbody tr');
  const first = await rows.first().innerHTML();
  await page.locator('#connect-latest tbody a').first().focus();
  await provider.user('Bea', 'Example');
  await page.waitForTimeout(1500);
  assert.equal(await rows.first().innerHTML(), first, 'it holds the focus');
  assert.ok(await page.evaluate(() => document.activeElement.closest('#connect-latest') !== null));
  await page.locator('h1').click();
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForTimeout(300);
  assert.notEqual(await rows.first().innerHTML(), first, 'it was put in place afterwards');
  const chosen = await rows.first().innerHTML();
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelector('#connect-latest tbody tr')));
  await provider.user('Cem', 'Example');
  await page.waitForTimeout(1500);
  assert.equal(await rows.first().innerHTML(), chosen, 'it holds the selection');
  await page.evaluate(() => getSelection().removeAllRanges());
  await page.waitForTimeout(300);
  assert.notEqual(await rows.first().innerHTML(), chosen);
});

test('the overview is live by one stream, says so, and can be paused', async () => {
  const streams = [];
  page.on('request', (request) => { if (request.url().includes('/events?')) streams.push(request.url()); });
  await page.goto(team);
  await live('Live');
  await page.waitForTimeout(2500);
  assert.equal(streams.length, 1, streams.join(' '));
  const users = page.locator('#flow .fig').filter({ hasText: /^4 active users/ });
  await brings('the count', () => provider.user('Dan', 'Example'), users);
  assert.match(await page.locator('#lead').innerText(), /^\d+ changes/);
  assert.match(await page.locator('#flow .fig').first().innerText(), /just now|\d+ s ago/);
  await page.locator('#changes').getByText('Dan Example').waitFor(soon);
  await page.locator('#hours summary').click();
  await page.locator('[data-live-state]').click();
  await live('Paused');
  await provider.user('Eve', 'Example');
  await page.waitForTimeout(3000);
  assert.equal(await page.locator('#changes').getByText('Eve Example').count(), 0, 'paused is paused');
  await page.locator('[data-live-state]').click();
  await live('Live');
  await page.locator('#changes').getByText('Eve Example').waitFor(soon);
  assert.ok(await page.locator('#hours details').evaluate((details) => details.open), 'what was open stays open');
  await judged('overview-live');
});

test('lists and the pages of people and groups are live, and leave alone what was entered', async () => {
  await page.goto(`${team}users?sort=-changed`);
  await live('Live');
  const first = page.locator('#list tbody tr').first();
  let id;
  await brings('the list', async () => (id = await provider.user('Fay', 'Example')), first.getByText('Fay Example'));
  const search = page.getByLabel('Search name, email or ID');
  await search.fill('half a na');
  await search.blur();
  await provider.user('Gil', 'Example');
  await page.waitForTimeout(3000);
  assert.equal(await search.inputValue(), 'half a na');
  assert.equal(await first.getByText('Gil Example').count(), 0, 'it waits');

  await page.goto(`${team}users/${id}`);
  await live('Live');
  const deactivate = () => provider.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false });
  await brings('the person', deactivate, page.locator('#head').getByText('Inactive'));
  await page.locator('#history').getByRole('link', { name: 'Deactivated' }).waitFor(soon);
  const group = await provider.group('Harbour', []);
  await page.goto(`${team}groups/${group}`);
  await live('Live');
  const join = () => provider.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: [{ value: id }] });
  await brings('the group', join, page.locator('#members tbody').getByText('Fay Example'));
  await brings('the end', () => provider.send(204, 'DELETE', `/Groups/${group}`), page.locator('#head').getByText('Deleted', { exact: true }));
});

test('what needs attention is told and goes with its cause', async () => {
  await page.goto(team);
  await live('Live');
  const notice = page.locator('#needs .notice').filter({ hasText: 'refused since' });
  await brings('the notice', () => provider.request('POST', '/Users', { schemas: [user] }), notice);
  assert.equal(await notice.getByRole('link').count(), 1, 'one action');
  await judged('overview-attention');
  await provider.send(200, 'GET', '/Users?count=1');
  await notice.waitFor({ state: 'detached', ...soon });
  assert.ok(await page.locator('#needs .notice').count() <= 3);
});

test('a stream that is cut says Reconnecting', async () => {
  await page.goto(`${team}connect`);
  await live('Live');
  await page.route('**/events?**', (route) => route.abort());
  await page.context().setOffline(true);
  await page.reload({ waitUntil: 'commit' }).catch(() => {});
  await page.context().setOffline(false);
  await page.goto(`${team}connect`);
  await page.locator('[data-live-state]').getByText(/Reconnecting|Paused/).waitFor(soon);
  await page.unroute('**/events?**');
  page.faults = page.faults.filter((fault) => !/ERR_FAILED|ERR_INTERNET_DISCONNECTED/.test(fault));
});

test('the self-test runs in the background and tells each line', async () => {
  await page.goto(`${team}connect`);
  await page.getByRole('button', { name: 'Run the self-test' }).click();
  await page.getByRole('heading', { name: 'Self-test', level: 1 }).waitFor();
  await page.locator('#sheet .chip').getByText('Passed').waitFor({ timeout: 60_000 });
  assert.match(await page.locator('#sheet').innerText(), /As JumpCloud/);
  assert.equal(await page.locator('#sheet li.bad').count(), 0);
  await judged('selftest');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download as text' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');
  assert.match(text, /^Self-test as JumpCloud/);
  assert.match(text, /all \d+ lines passed\n$/);
  await page.goto(`${team}team`);
  assert.doesNotMatch(await page.locator('main').innerText(), /Self-test/, 'its team is in no list');
});

test('an export is compared, with links to the people and a list to download', async () => {
  await page.goto(`${team}compare`);
  await judged('compare');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  assert.match(await page.title(), /^Error/);
  await judged('compare-error');
  const csv = 'email,status\nada.example@example.com,Active\nbea.example@example.com,Suspended\nnew.example@example.com,Active\n'
    + 'cem.example@example.com,ACTIVE\ndan.example@example.com,ACTIVE\n';
  await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.getByRole('heading', { name: /Wrongly active/ }).waitFor();
  const section = (name) => page.locator('section').filter({ has: page.getByRole('heading', { name, level: 2 }) });
  assert.match(await section(/Missing here/).innerText(), /new\.example@example\.com/);
  assert.match(await section(/Here and not in the file/).innerText(), /eve\.example@example\.com/);
  await judged('compare-result');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download this list' }).click()]);
  assert.match(readFileSync(await download.path(), 'utf8'), /^finding,kind,name,id,group,line,detail\nmissing here,user,new\.example@example\.com,,,4,\n/);
  await section(/Wrongly active/).getByRole('link').first().click();
  await page.getByRole('heading', { name: /Bea Example/, level: 1 }).waitFor();
  await page.goto(`${team}compare`);
  await page.getByLabel('Or its content').fill('shoe size\n42\n');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  assert.match(await page.locator('main').innerText(), /one of them must be userName, email or group/i);
  assert.equal(await page.getByLabel('Or its content').inputValue(), 'shoe size\n42\n', 'what was pasted is still there');
  await page.getByLabel('Or its content').fill('Member Email\nada.example@example.com\n');
  await page.getByLabel('Members of the group').fill('Night shift');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  assert.match(await section(/Missing here/).innerText(), /Night shift/, 'the list is of that one group, and of nobody else');
  assert.equal(await section(/Here and not in the file/).count(), 0);
  assert.equal(await page.getByLabel('Members of the group').inputValue(), 'Night shift');
  page.faults = page.faults.filter((fault) => !fault.startsWith('outside: blob:'));
});

test('without scripts: choose, watch by reload, test, compare', async () => {
  const plain = await openPage(browser, { javaScriptEnabled: false });
  await plain.goto(`${team}connect`);
  await plain.getByLabel('Email').fill(administrator.email);
  await plain.getByLabel('Password', { exact: true }).fill(administrator.password);
  await plain.getByRole('button', { name: 'Sign in' }).click();
  await plain.getByRole('combobox', { name: 'Provider' }).selectOption('OneLogin');
  await plain.getByRole('button', { name: 'Show' }).click();
  await plain.getByRole('heading', { name: 'Connect OneLogin', level: 1 }).waitFor();
  assert.match(await plain.content(), /<noscript><meta http-equiv="refresh" content="5">/);
  await plain.getByRole('button', { name: 'Run the self-test' }).click();
  for (let n = 0; n < 60 && !/Passed/.test(await plain.locator('#sheet .chip').innerText()); n += 1) {
    await plain.waitForTimeout(500);
    await plain.goto(`${team}selftest`);
  }
  assert.match(await plain.locator('#sheet').innerText(), /As OneLogin/);
  await plain.goto(`${team}compare`);
  await plain.getByLabel('Or its content').fill('group\nEngineering\n');
  await plain.getByRole('button', { name: 'Compare', exact: true }).click();
  await plain.getByText('The directory is as the file says').waitFor();
  await plain.goto(`${team}compare`);
  await plain.getByLabel('Or its content').fill('group\nEngineering\nSupport\n');
  const [download] = await Promise.all([plain.waitForEvent('download'), plain.getByRole('button', { name: 'Download the result' }).click()]);
  assert.match(readFileSync(await download.path(), 'utf8'), /missing here,group,Support/);
  assert.deepEqual(plain.faults, []);
  await plain.goto(`${team}connect`);
  await plain.getByRole('combobox', { name: 'Provider' }).selectOption('JumpCloud');
  await plain.getByRole('button', { name: 'Show' }).click();
});

test('a page stays small', async () => {
  for (const path of ['', 'connect', 'compare', 'selftest']) {
    const fresh = await openPage(browser, { storageState: await page.context().storageState() });
    const cdp = await fresh.context().newCDPSession(fresh);
    await cdp.send('Network.enable');
    let bytes = 0;
    cdp.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
    await fresh.goto(team + path);
    await fresh.waitForTimeout(300);
    assert.ok(bytes < 50_000, `${path}: ${bytes} bytes`);
    await fresh.context().close();
  }
});

test('no page has a violation', () => {
  assert.equal(found.length, 0, `\n${found.join('\n')}`);
});

test('nothing went wrong behind the pages', () => {
  assert.deepEqual(page.faults, []);
});
