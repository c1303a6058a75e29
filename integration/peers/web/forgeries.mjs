// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// What a page can send without asking first, with the browser adding the cookie: the ways of cross-site request forgery. The browser keeps
// the answers from the page; whether the demo acts on the requests is up to the demo alone.

import { deepEqual, equal, match } from 'node:assert/strict';

const creating = '/invoices.v1.InvoiceService/CreateInvoice';
const getting = '/invoices.v1.InvoiceService/GetInvoice';
const invoice = '{"invoice": {"organizationId": "org_acme", "id": "=", "cents": "700"}}'; // a form can send it: name, "=", value
const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"organizationId": "org_acme", "invoiceId": "inv_1"}' });

// These run in the page.
const post = ({ address, body, type }) => {
  fetch(address, { method: 'POST', mode: 'no-cors', credentials: 'include', body: new Blob([body], { type }) });
};
const submit = ({ address, body, type }) => {
  const form = Object.assign(document.createElement('form'), { action: address, method: 'post', enctype: type });
  const [name, value] = body.split('=');
  form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  form.submit();
};
const get = ({ address }) => {
  fetch(address, { mode: 'no-cors', credentials: 'include' });
};
const read = async ({ address }) => {
  await fetch(address, { credentials: 'include' }).catch(() => {});
};
const embed = ({ address }) => {
  document.body.append(Object.assign(document.createElement('img'), { src: address }));
};
const follow = ({ address }) => {
  const link = Object.assign(document.createElement('a'), { href: address, textContent: 'a prize' });
  document.body.append(link);
  link.click();
};

// Nothing that can be posted so is Connect or gRPC-Web, and the guard is not even asked.
const posts = [
  { way: 'a POST of text/plain', run: post, type: 'text/plain' },
  { way: 'a POST of a form', run: post, type: 'application/x-www-form-urlencoded' },
  { way: 'a POST without a type', run: post, type: '' },
  { way: 'a form of text/plain', run: submit, type: 'text/plain' },
].map(row => ({ ...row, path: creating, end: 'HTTP status 415, and nothing done' }));

// A GET is Connect, and the guard's to refuse. How it did is in the log: Chromium tells nobody of what it keeps from a page.
const refused = 'refused, and the cookie not read';
const gets = [
  { way: 'a GET', run: get },
  { way: 'a GET to read', run: read },
  { way: 'an image', run: embed },
  { way: 'a link', run: follow },
].map(row => ({ ...row, path: `${getting}?${query}`, end: refused }));

const missing = 'refused, without the cookie';
const [aGet, aReading, , aLink] = gets;

/**
 * The table. A stranger's requests have no cookie that says SameSite=Lax, but for those that go where the user is led. A GET that is not to be read
 * says of no origin that it is an allowed one.
 */
const forgeries = [
  ...[...posts, ...gets].map(row => ({ origin: 'neighbour', ...row })),
  ...[...posts, { ...aGet, end: missing }].map(row => ({ origin: 'stranger', bare: true, ...row })),
  { origin: 'stranger', ...aLink },
  { origin: 'allowed', ...aGet },
  ...['own', 'allowed'].map(origin => ({ origin, ...aReading, end: 'ok' })),
];

const lines = {
  ok: /msg="let begin" .*caller.subject=user_ada/,
  [refused]: /msg=refused .*reason=CREDENTIAL_MISSING .*the session cookie was not read: cross-origin request detected/,
  [missing]: /msg=refused .*reason=CREDENTIAL_MISSING code=UNAUTHENTICATED detail="CREDENTIAL_MISSING: needs a credential"/,
};

/** Sends what no guard sees, and looks at the answer. */
const isPosted = async ({ page, send, address, bare }) => {
  const answered = page.waitForResponse(address, { timeout: 5000 });
  await send();
  const response = await answered;
  const { cookie } = await response.request().allHeaders();
  match(cookie ?? 'no cookie', bare ? /^no cookie$/ : /^__session=/, 'what the browser sent');
  equal(response.status(), 415, 'the status');
};

/** Tries the whole table as an admin of acme, whose cookie the browser has; each from a page of its own at the address of its origin. */
export const tryForgeries = async ({ world, context, addresses, check }) => {
  await check('own origin, cookie, connect: CreateInvoice as admin of acme: one invoice more', async () => {
    await world.setCookies(['admin of acme']);
    const before = await world.count();
    const { code } = await world.askAtHome({ procedure: creating, message: invoice, credentials: 'include' });
    deepEqual([code, await world.count()], ['ok', before + 1]);
  });
  for (const { origin, way, run, type, path, end, bare } of forgeries) {
    const [procedure] = path.split('/').at(-1).split('?');
    await check(`${origin} origin, cookie, ${way}: ${procedure} as admin of acme: ${end}`, async () => {
      await world.setCookies(['admin of acme']);
      const [before, place] = [await world.count(), world.log.end];
      const page = await context.newPage();
      await page.goto(`${addresses[origin]}/`);
      const address = world.url + path;
      const send = () => page.evaluate(run, { address, body: invoice, type });
      const asked = new RegExp(`procedure=${path.split('?')[0]} `);
      if (path === creating) await isPosted({ page, send, address, bare });
      else {
        await send();
        await world.log.after(place, asked);
      }
      const decided = (await world.decided(place)).filter(line => asked.test(line));
      equal(decided.length, path === creating ? 0 : 1, 'how often the guard was asked');
      if (path !== creating) match(decided[0], lines[end]);
      equal(await world.count(), before, 'the number of invoices');
      await page.close();
    });
  }
};
