// Every page of the admin in every state that can be reached: axe-core in both schemes, wide and narrow, no sideways scroll at
// 320 px, with text of 200 % either, light in bytes, nothing refused by the policy, nothing in the console, and a picture of each in target/screens.
// A new page is a line in `pages`: a name for its pictures, its path, and what to do there first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Provider, Server, administrator, browse, openPage, otp, overflow, picture, teamAddress, violations } from './harness.mjs';

const schemas = { user: ['urn:ietf:params:scim:schemas:core:2.0:User'], group: ['urn:ietf:params:scim:schemas:core:2.0:Group'] };
const hostile = ['<script>alert(1)</script>', '<img src=x onerror=alert(2)>"\'&', 'فاطمة الزهراء', '‮desrever‬', '👩‍👩‍👧‍👦 🎉 🏳️‍🌈', 'Ж'.repeat(400),
  'Wolfeschlegelstein'.repeat(278).slice(0, 5000), 'a b '.repeat(1250), '=cmd|calc', '{{7*7}} ${x}'];
const shapes = [['light', 1440, 900], ['light', 390, 844], ['dark', 1440, 900], ['dark', 390, 844]];
/** First visit, gzip, everything the page loads; the parts that all pages share. */
const most = { page: 50_000, css: 15_000, js: 15_000 };

let browser;
let server;
let page;
let viewer;
let visitor;
let weighed = 0;
let proved = Date.now();
const team = {};
const ids = {};

before(async () => {
  server = await Server.start();
  browser = await browse();
  page = await watched();
  viewer = await watched();
  visitor = await watched();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page that counts what it loads, cold, and tells what the policy refused. */
async function watched() {
  const one = await openPage(browser);
  await one.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`refused by the policy: ${e.blockedURI} ${e.violatedDirective}`)));
  const wire = await one.context().newCDPSession(one);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  wire.on('Network.loadingFinished', ({ encodedDataLength }) => (weighed += encodedDataLength));
  return one;
}

/** Judges what a page shows now, in both schemes and widths, and takes its pictures. */
async function judged(one, name) {
  const found = [];
  for (const [colorScheme, width, height] of shapes) {
    await one.emulateMedia({ colorScheme });
    await one.setViewportSize({ width, height });
    // What does not depend on colours is looked at once a width.
    const rules = colorScheme === 'dark' ? ['color-contrast', 'link-in-text-block'] : undefined;
    // What lies beneath the top bar or an open menu is covered for that moment only.
    const covered = await one.evaluate(() => { scrollTo(0, 0); return document.querySelector('details.me[open]') !== null; });
    found.push(...(await violations(one, rules, covered ? ['target-size'] : [])).map((line) => `${width} ${colorScheme} ${line}`));
    const wide = await overflow(one);
    if (wide > 0) found.push(`${width} ${one.url()} is ${wide} px too wide`);
    await picture(one, `${name}-${width}-${colorScheme}`);
  }
  await one.setViewportSize({ width: 320, height: 640 });
  for (const size of ['', '200%']) {
    await one.evaluate((size) => (document.documentElement.style.fontSize = size), size);
    const wide = await overflow(one);
    if (wide > 0) found.push(`320 ${one.url()} is ${wide} px too wide${size && ', text of 200 %'}`);
  }
  await one.evaluate(() => (document.documentElement.style.fontSize = ''));
  await one.emulateMedia({ colorScheme: 'light' });
  await one.setViewportSize({ width: 1440, height: 900 });
  assert.deepEqual(found, [], `\n${found.join('\n')}`);
  assert.deepEqual(one.faults.splice(0), [], 'nothing goes wrong behind the page');
}

/** A page of the administrator: opened cold, weighed, brought into its state, judged. */
function state(name, path, act = async () => {}, one = () => page) {
  test(name, async () => {
    const to = typeof path === 'function' ? path() : path;
    // On a slow machine the last proof grows too old for sensitive changes.
    if (Date.now() - proved > 300_000) {
      server.sql(`update session set proved = ${Date.now()}`);
      proved = Date.now();
    }
    weighed = 0;
    if (to !== undefined) {
      await one().goto(to.startsWith('/') ? server.origin + to : to);
      await one().waitForLoadState('load');
      assert.ok(weighed < most.page, `${to} weighs ${weighed} bytes`);
    }
    await act(one());
    await judged(one(), name);
  });
}

const click = (role, name) => (one) => one.getByRole(role, { name }).first().click();
const at = (where, path) => () => `${team[where]}${path}`;
const settle = (one) => one.waitForLoadState('load');
/** Goes where a link leads. */
const follow = async (one, name) => one.goto(new URL(await one.getByRole('link', { name }).first().getAttribute('href'), one.url()).href);
/** Opens the first row of a log. */
const opened = async (one) => one.goto(new URL(await one.locator('a[data-row]').first().getAttribute('href'), one.url()).href);

/** Sends a form with what is entered and waits for the page that answers. */
const send = (button, fields = {}) => async (one) => {
  for (const [label, value] of Object.entries(fields)) await one.getByLabel(label, { exact: true }).fill(typeof value === 'function' ? value() : value);
  // The browser's own checks stand before the server's, which is the one to be seen here.
  await one.evaluate(() => document.querySelectorAll('form').forEach((form) => (form.noValidate = true)));
  await Promise.all([one.waitForNavigation(), one.getByRole('button', { name: button }).first().click()]);
  await settle(one);
};

/** The title of a page that was sent back says so, and the summary has the focus. */
const refused = (act) => async (one) => {
  await act(one);
  assert.match(await one.title(), /^Error: /);
  assert.equal(await one.evaluate(() => document.activeElement.id), 'errs', 'the summary has the focus');
};

const typed = { Email: 'admin@example.com', Password: administrator.password };

// First run: one walk, because each step opens the next.
state('setup-code', '/admin');
state('setup-code-error', '/admin/setup/code', refused(send('Continue', { 'Set-up code': 'wrong' })));
state('setup-administrator', '/admin/setup/code', (one) => send('Continue', { 'Set-up code': server.setupCode })(one));
state('setup-administrator-error', undefined, refused(send('Create administrator', { Email: 'nobody', Password: 'short', 'Password again': 'x' })));
state('setup-address', undefined, send('Create administrator', { Email: administrator.email, 'Your name': 'Robin Example',
  Password: administrator.password, 'Password again': administrator.password }));
state('setup-team', undefined, (one) => follow(one, 'Continue'));
state('setup-team-error', undefined, refused(send('Save and continue', { 'Name of the team': '' })));
state('setup-connect', undefined, send('Save and continue', { 'Name of the team': 'Default' }));

test('three teams: empty, with one of each, with many and with hostile names', async () => {
  await page.goto(`${server.origin}/admin`);
  team.one = teamAddress(page);
  for (const name of ['Empty', 'Many']) {
    await page.goto(`${team.one}team`);
    await page.getByLabel('Name of the new team').fill(name);
    await page.getByRole('button', { name: 'Add team' }).click();
    await page.waitForURL(/\/connect$/);
    team[name.toLowerCase()] = teamAddress(page);
  }
  const slug = (address) => address.split('/').at(-2);
  const provider = (where, name) => new Provider(server, server.run('token', 'create', '--name', name, '--team', slug(team[where])).trim());
  const one = provider('one', 'JumpCloud production');
  ids.mei = await one.user('Mei', 'Chen');
  ids.engineering = await one.group('Engineering', [ids.mei]);
  const many = provider('many', 'JumpCloud production');
  for (const name of [hostile[0], hostile[2], hostile[4].slice(0, 50), 'W'.repeat(100)]) provider('many', name);
  const people = [];
  for (const [n, name] of [...hostile, ...Array.from({ length: 60 }, (_, n) => `Person ${n}`)].entries()) {
    const made = await many.send(201, 'POST', '/Users', { schemas: schemas.user, userName: `p${n}@example.com`, displayName: name, title: name.slice(0, 200), active: n % 7 !== 3 });
    people.push(made.id);
  }
  ids.script = people[0];
  ids.long = people[6];
  await many.patch(`/Users/${ids.long}`, { op: 'replace', path: 'displayName', value: `${hostile[6].slice(0, 4990)} again` });
  const group = async (name, members) => (await many.send(201, 'POST', '/Groups', { schemas: schemas.group, displayName: name, members: members.map((value) => ({ value })) })).id;
  for (const name of hostile.slice(0, 6)) await group(name, people.slice(0, 3));
  ids.everyone = await group(hostile[6], people);
  await group('Nobody', []);
  assert.equal((await many.request('POST', '/Users', { schemas: schemas.user, userName: 'p1@example.com' })).status, 409);
  assert.equal((await many.request('GET', '/Users?filter=broken')).status, 400);
  assert.equal((await many.request('GET', '/Users', undefined, { authorization: 'Bearer scimd_cut' })).status, 401);
  await new Promise((resolve) => setTimeout(resolve, 1500));
});

// A line for each page: name, path, and what to do there first.
const pages = [
  ...['empty', 'one', 'many'].flatMap((where) => [
    [`overview-${where}`, at(where, '')],
    [`users-${where}`, at(where, 'users')],
    [`groups-${where}`, at(where, 'groups')],
    [`connect-${where}`, at(where, 'connect')],
    [`activity-${where}`, at(where, 'activity')],
    [`tokens-${where}`, at(where, 'tokens')],
    [`team-${where}`, at(where, 'team')],
  ]),
  ...['Okta', 'Entra ID', 'OneLogin', 'Other SCIM 2.0 client'].map((name) => [`connect-${name.split(' ')[0].toLowerCase()}`, at('one', 'connect'), async (one) => {
    await one.getByRole('combobox', { name: 'Provider' }).selectOption(name);
    await send('Show')(one);
  }]),
  ['compare', at('many', 'compare')],
  ['compare-error', at('many', 'compare'), refused(async (one) => { await one.getByRole('button', { name: 'Compare', exact: true }).click(); await settle(one); })],
  ['selftest', at('one', 'selftest')],
  ['users-none', at('many', 'users?q=nobody-at-all')],
  ['users-inactive', at('many', 'users?status=inactive&sort=-changed')],
  ['user', at('one', `users/`), async (one) => { await one.goto(`${team.one}users/${ids.mei}`); }],
  ['user-script', () => `${team.many}users/${ids.script}`],
  ['user-long', () => `${team.many}users/${ids.long}`],
  ['user-inactive', at('many', 'users?status=inactive'), async (one) => { await one.goto(new URL(await one.locator('tbody a.name').first().getAttribute('href'), one.url()).href); ids.off = one.url(); }],
  ['user-delete-dialog', () => ids.off, click('link', 'Delete record')],
  ['user-delete', () => `${ids.off}/delete`],
  ['user-gone', () => `${ids.off}/delete`, send('Delete record')],
  ['administrators', at('many', 'activity/administrators')],
  ['administrators-none', at('many', 'activity/administrators?q=nothing-like-this')],
  ['request-administrator', at('many', 'activity?kind=changes&q=admin%40example.com'), async (one) => { await opened(one); await follow(one, 'Link to this request'); }],
  ['group', () => `${team.one}groups/${ids.engineering}`],
  ['group-long', () => `${team.many}groups/${ids.everyone}`],
  ['activity-refused', at('many', 'activity?status=409')],
  ['activity-none', at('one', 'activity?q=nothing-like-this')],
  ['activity-open', at('many', 'activity'), (one) => opened(one)],
  ['request', at('many', 'activity'), async (one) => { await opened(one); await follow(one, 'Link to this request'); }],
  ['request-refused', at('many', 'activity?status=409'), async (one) => { await opened(one); await follow(one, 'Link to this request'); }],
  ['search-none', at('one', 'search?q=nobody-at-all')],
  ['search-many', at('many', 'search?q=person')],
  ['token-new', at('one', 'tokens/new')],
  ['token-new-error', at('one', 'tokens/new'), refused(send('Create token'))],
  ['token-dialog', at('one', 'tokens'), click('link', 'New token')],
  ['token-created', at('one', 'tokens/new'), send('Create token', { Name: 'Okta' })],
  ['token-rotate', at('one', 'tokens'), (one) => follow(one, /^Rotate/)],
  ['token-revoke', at('one', 'tokens'), (one) => follow(one, /^Revoke/)],
  ['tokens-past', at('one', 'tokens?show=past')],
  ['team-error', at('one', 'team'), refused(send('Add team', { 'Name of the new team': '' }))],
  ['team-remove', at('many', 'team/remove')],
  ['team-remove-error', at('many', 'team/remove'), refused(async (one) => { await one.getByLabel(/^Type the team/).fill('no'); await send('Remove the team')(one); })],
  ['admins', at('one', 'admins')],
  ['invite', at('one', 'admins/invite')],
  ['invite-error', at('one', 'admins/invite'), refused(send('Create the link', { Email: 'nobody' }))],
  ['invited', at('one', 'admins/invite'), async (one) => {
    await one.getByLabel('Read only').check();
    await send('Create the link', { Email: 'viewer@example.com' })(one);
    ids.link = (await one.getByLabel('Link', { exact: true }).innerText()).trim();
  }],
  ['admins-invited', at('one', 'admins')],
  ['join', () => ids.link, undefined, () => viewer],
  ['join-error', () => ids.link, refused(send('Join', { Password: 'short', 'Password again': 'x' })), () => viewer],
  ['overview-read-only', () => ids.link, send('Join', { Password: 'a viewer pass phrase', 'Password again': 'a viewer pass phrase' }), () => viewer],
  ['tokens-read-only', at('one', 'tokens'), undefined, () => viewer],
  ['team-read-only', at('one', 'team'), undefined, () => viewer],
  ['forbidden', at('one', 'tokens/new'), undefined, () => viewer],
  ['join-ended', () => ids.link, undefined, () => viewer],
  ['admin', at('one', 'admins'), (one) => follow(one, /^Change viewer/)],
  ['admin-remove', at('one', 'admins'), async (one) => { await follow(one, /^Change viewer/); await follow(one, 'Remove this administrator'); }],
  ['health', at('one', 'health-status')],
  ['support', at('one', 'health-status/support')],
  ['keys', at('one', 'keys')],
  ['keys-dialog', at('one', 'users'), async (one) => { await one.locator('details.me summary').click(); await click('link', 'Keyboard shortcuts')(one); }],
  ['menu-account', at('one', 'users'), (one) => one.locator('details.me summary').click()],
  ['menu-teams', at('one', 'users'), (one) => one.locator('details.team summary').click()],
  ['menu-narrow', at('one', 'users#menu')],
  ['not-found', at('one', 'users/nobody')],
  ['zone', '/admin/zone?back=/admin'],
  ['you', at('one', 'you')],
  ['password', at('one', 'you/password')],
  ['password-error', at('one', 'you/password'), refused(send('Change password', { 'Password of today': 'wrong', 'New password': 'a long pass phrase', 'New password again': 'a long pass phrase' }))],
  ['second-step', at('one', 'you/second-step')],
  ['second-step-error', at('one', 'you/second-step'), refused(send('Turn on the second step', { Code: '000000' }))],
  ['recovery-codes', at('one', 'you/second-step'), async (one) => {
    ids.key = (await one.getByLabel('Key', { exact: true }).innerText()).trim();
    await send('Turn on the second step', { Code: otp(ids.key) })(one);
    ids.codes = await one.locator('#codes li').allInnerTexts();
    assert.equal(ids.codes.length, 10);
  }],
  ['recovery-codes-gone', at('one', 'you/codes'), async (one) => { await one.getByLabel('I have stored the codes').check(); await send('Continue')(one); await one.goto(`${team.one}you/codes`); }],
  ['you-second-step', at('one', 'you')],
  ['second-step-off', at('one', 'you/second-step/off')],
  ['second-step-off-error', at('one', 'you/second-step/off'), refused(send('Turn it off', { Code: '000000' }))],
  ['admins-required', at('one', 'admins'), send('Require two-step sign-in for full access')],
  ['prove', at('one', 'tokens/new'), async (one) => { server.sql('update session set proved = 0'); await send('Create token', { Name: 'Waits' })(one); }],
  ['prove-error', undefined, refused(send('Confirm and go on', { Code: '000000' }))],
  ['proven', undefined, send('Confirm and go on', { Code: () => ids.codes[0] })],
  ['sign-in', '/admin/sign-in', undefined, () => visitor],
  ['sign-in-error', '/admin/sign-in', refused(send('Sign in', { ...typed, Password: 'wrong' })), () => visitor],
  ['sign-in-code', '/admin/sign-in', send('Sign in', typed), () => visitor],
  ['sign-in-code-error', undefined, refused(send('Sign in', { Code: '000000' })), () => visitor],
  ['sign-in-recovery', undefined, (one) => follow(one, 'Use a recovery code'), () => visitor],
  ['signed-in', undefined, send('Sign in', { 'Recovery code': () => ids.codes[1] }), () => visitor],
  ['session-ending', at('one', 'users'), async (one) => { server.sql('update session set created = created - 42600000'); await one.reload(); }, () => visitor],
  ['session-ended', at('one', 'team'), async (one) => {
    await server.settled();
    server.sql('update session set created = created - 43200000, seen = seen - 14400001');
    await one.getByLabel('Name', { exact: true }).fill('A name that waits');
    await send('Save')(one);
    assert.match(await one.locator('main').innerText(), /is kept for 10 minutes/);
  }, () => visitor],
  ['send', undefined, async (one) => { await send('Sign in', typed)(one); await follow(one, 'Use a recovery code'); await send('Sign in', { 'Recovery code': () => ids.codes[2] })(one); await one.getByRole('heading', { name: 'Send what you entered?' }).waitFor(); }, () => visitor],
  ['sent', undefined, send('Send it'), () => visitor],
  ['broken', at('one', 'you'), async (one) => { server.sql('alter table recovery_code rename to away'); await one.reload(); server.sql('alter table away rename to recovery_code'); one.faults = one.faults.filter((fault) => !/\b500\b/.test(fault)); }, () => visitor],
];
for (const line of pages) state(...line);

test('what all pages share is small', async () => {
  const text = await (await page.request.get(`${server.origin}/admin/sign-in`)).text();
  for (const [kind, name, packed] of [['css', /href="([^"]*style[^"]*)"/, true], ['js', /src="([^"]*app[^"]*)"/, false]]) {
    const file = await (await page.request.get(server.origin + name.exec(text)[1])).body();
    const size = packed ? gzipSync(file).length : file.length;
    assert.ok(size <= most[kind], `${kind}: ${size} bytes`);
  }
});
