// Starts the real binary and a real browser for the page tests, plays the provider, and judges accessibility.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const root = path.resolve(import.meta.dirname, '../..');
const binary = path.resolve(process.env.SCIMD ?? path.join(root, 'target/debug/scimd'));
const screens = path.join(root, 'target/screens');

/** A running server with its output. */
export class Server {
  static async start() {
    const folder = mkdtempSync(path.join(tmpdir(), 'scimd-browser-'));
    const server = new Server();
    server.folder = folder;
    server.said = '';
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SCIMD_')));
    server.child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data-dir', path.join(folder, 'data')], {
      env, stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Whatever ends this process ends the server too.
    process.once('exit', () => server.child.kill('SIGKILL'));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => process.exit(1));
    for (const pipe of [server.child.stdout, server.child.stderr]) pipe.on('data', (text) => (server.said += text));
    for (const deadline = Date.now() + 60_000; !server.origin; ) {
      const line = /listening on (https:\/\/[0-9.:]+)/.exec(server.said);
      if (line) server.origin = line[1];
      else if (server.child.exitCode !== null || Date.now() > deadline) throw new Error(`scimd does not listen:\n${server.said}`);
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
    server.base = `${server.origin}/scim`;
    return server;
  }

  /** The one-time code that the start prints. */
  get setupCode() {
    const line = /code[^\n]*?\s(\S+)\s*$/m.exec(this.said.split('\n').find((text) => /set-up code/i.test(text)) ?? '');
    if (!line) throw new Error(`no set-up code in:\n${this.said}`);
    return line[1];
  }

  /** Runs a command on the data directory and gives what it said. */
  run(...args) {
    return execFileSync(binary, [...args, '--data-dir', path.join(this.folder, 'data')], { encoding: 'utf8' });
  }

  /** Changes the file behind the server's back, as time or a fault would. */
  sql(text) {
    const script = 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1], 20); c.executescript(sys.argv[2]); c.close()';
    execFileSync('python3', ['-c', script, path.join(this.folder, 'data', 'scimd.db'), text]);
  }

  /** Waits until a session's last use, which is written once a second, is in the file. */
  settled() {
    return new Promise((resolve) => setTimeout(resolve, 1300));
  }

  async stop() {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const slow = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(slow);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A provider with a token. */
export class Provider {
  constructor(server, token) {
    this.server = server;
    this.token = token;
    this.agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  }

  /** Sends one request and gives status and body; any status is an answer. */
  request(method, target, body, headers = {}) {
    const data = body === undefined ? undefined : JSON.stringify(body);
    const all = { authorization: `Bearer ${this.token}`, 'user-agent': 'JumpCloud', ...headers };
    if (data !== undefined) Object.assign(all, { 'content-type': 'application/scim+json', 'content-length': Buffer.byteLength(data) });
    return new Promise((resolve, reject) => {
      const request = https.request(this.server.base + target, { method, headers: all, agent: this.agent }, async (answer) => {
        let text = '';
        for await (const part of answer) text += part;
        resolve({ status: answer.statusCode, body: text ? JSON.parse(text) : undefined });
      });
      request.on('error', reject);
      request.end(data);
    });
  }

  /** Sends one request that must be answered with the given status. */
  async send(status, method, target, body) {
    const answer = await this.request(method, target, body);
    if (answer.status !== status) throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  patch(target, ...operations) {
    return this.send(200, 'PATCH', target, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations });
  }

  async user(given, family) {
    const address = `${given}.${family}@example.com`.toLowerCase();
    const found = await this.send(200, 'GET', `/Users?filter=${encodeURIComponent(`userName eq "${address}"`)}`);
    if (found.totalResults !== 0) throw new Error(`${address} is there already`);
    const made = await this.send(201, 'POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: address, active: true, displayName: `${given} ${family}`,
      name: { givenName: given, familyName: family }, emails: [{ value: address, type: 'work', primary: true }],
    });
    return made.id;
  }

  async group(name, members) {
    const made = await this.send(201, 'POST', '/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: name });
    for (const value of members) await this.patch(`/Groups/${made.id}`, { op: 'add', path: 'members', value: [{ value }] });
    return made.id;
  }

  /** What Test Connection and Activate send. */
  async activate() {
    await this.send(200, 'GET', '/Users?startIndex=1&count=100');
    const user = await this.user('Scim', 'Test');
    await this.patch(`/Users/${user}`, { op: 'replace', path: 'name.familyName', value: 'Changed' });
    const group = await this.group('SCIM Test Group', [user]);
    await this.patch(`/Groups/${group}`, { op: 'replace', path: 'displayName', value: 'SCIM Test Group 2' });
    await this.send(204, 'DELETE', `/Groups/${group}`);
    await this.send(204, 'DELETE', `/Users/${user}`);
  }
}

/** How long a page may take to show by itself what came: any time before the half minute in which it would ask again. */
export const soon = { timeout: 20_000 };

/** Chromium from the system, with nothing that calls home. */
export async function browse() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** A page that keeps what must not happen: errors, refused content, answers of 500. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) page.faults.push(`console: ${message.text()}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 500) page.faults.push(`${answer.status()} ${answer.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('https://127.0.0.1') && !request.url().startsWith('data:')) page.faults.push(`outside: ${request.url()}`);
  });
  return page;
}

/** Every violation that axe-core finds, of all rules or of some, without those of a few, one a line; empty is good. */
export async function violations(page, rules, without = []) {
  const axe = new AxeBuilder({ page }).disableRules(without);
  const found = await (rules ? axe.withRules(rules) : axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])).analyze();
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${page.url()} ${rule.id}: ${node.target.join(' ')} ${node.failureSummary}`));
}

/** The code that an authenticator app shows for a key, some steps of 30 s from now (RFC 6238). */
export function otp(key, steps = 0) {
  const bits = [...key.replaceAll(' ', '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', secret).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The page's width against the window's: nothing but code may scroll sideways. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

export async function picture(page, name) {
  mkdirSync(screens, { recursive: true });
  await page.screenshot({ path: path.join(screens, `${name}.png`), fullPage: true });
}

/** Goes through set-up with the code and makes the first administrator; ends signed in. */
export async function setUp(page, server, check = async () => {}) {
  await page.goto(`${server.origin}/admin`);
  await page.getByLabel('Set-up code').waitFor();
  await check('setup-code');
  await page.getByLabel('Set-up code').fill(server.setupCode);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Email').waitFor();
  await check('setup-administrator');
  await page.getByLabel('Email').fill(administrator.email);
  await page.getByLabel('Your name').fill('Robin Example');
  await page.getByLabel('Password', { exact: true }).fill(administrator.password);
  await page.getByLabel('Password again').fill(administrator.password);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByRole('heading', { name: 'Address and certificate' }).waitFor();
  await check('setup-address');
  await page.getByRole('link', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Team', exact: true }).waitFor();
  await check('setup-team');
  await page.getByRole('button', { name: 'Save and continue' }).click();
  await page.getByRole('heading', { name: 'Connect your identity provider' }).waitFor();
  await check('setup-connect');
  await page.getByRole('link', { name: 'Connect JumpCloud' }).click();
  await page.getByRole('heading', { name: 'Connect JumpCloud', level: 1 }).waitFor();
}

/** Makes a token by the form and gives its text. */
export async function createToken(page, name, check = async () => {}) {
  await page.goto(new URL('tokens/new', teamAddress(page)).href);
  await check('token-new');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByRole('heading', { name: `Token created: ${name}` }).waitFor();
  await check('token-created');
  return (await page.getByLabel('Token Key', { exact: true }).innerText()).trim();
}

/** `https://host/admin/t/team/` of the page that is open. */
export function teamAddress(page) {
  const found = /^(https:\/\/[^/]+\/admin\/t\/[^/]+\/)/.exec(page.url());
  if (!found) throw new Error(`${page.url()} is no page of a team`);
  return found[1];
}

export const administrator = { email: 'admin@example.com', password: 'a long pass phrase for tests' };
