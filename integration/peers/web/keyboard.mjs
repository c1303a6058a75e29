// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Uses the page with nothing but the keyboard: one page, one step after the other.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { openPage } from './window.mjs';

const focused = page => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
const value = (page, id) => page.locator(`#${id}`).inputValue();
const text = (page, id) => page.locator(`#${id}`).innerText();

const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

/** Waits until the status says what it should; what else it says is told. */
const outcome = async (page, want) => {
  const settled = page.waitForFunction(said => document.getElementById('outcome').textContent === said, want, { timeout: 5000 });
  await settled.catch(async () => equal(await text(page, 'outcome'), want));
};

const hasVisibleFocus = page =>
  page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  });

const steps = [
  ['the first Tab shows the skip link, and Enter goes to the call box', async page => {
    await press(page, 'Tab');
    equal(await focused(page), 'Skip to the call box');
    ok(await hasVisibleFocus(page), 'the focus is not visible');
    await press(page, 'Enter');
    equal(await focused(page), 'call');
  }],
  ['Tab goes through procedure, caller, request, protocol and Call, each with a visible focus', async page => {
    for (const id of ['procedure', 'caller', 'message', 'over', 'submit']) {
      await press(page, 'Tab');
      equal(await focused(page), id);
      ok(await hasVisibleFocus(page), `the focus of ${id} is not visible`);
    }
    await press(page, 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab');
    equal(await focused(page), 'procedure');
  }],
  ['arrow keys pick the procedure, and the request follows', async page => {
    await press(page, 'ArrowDown', 'ArrowDown');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/GetInvoice');
    equal(JSON.parse(await value(page, 'message')).invoiceId, 'inv_1');
  }],
  ['Enter calls, and the outcome is read', async page => {
    await press(page, 'Tab', 'Enter');
    await outcome(page, 'Answered: ok');
    equal(await focused(page), 'caller');
    match(await text(page, 'messages'), /"id": "inv_1"/);
    match(await text(page, 'reasons'), /The guard admits the call/);
  }],
  ['letters pick the caller; a hidden refusal is told as not found, and why is explained', async page => {
    await page.keyboard.type('admin of g');
    equal(await value(page, 'caller'), 'admin of globex');
    await press(page, 'Enter');
    await outcome(page, 'Refused: not_found');
    equal(await page.locator('#answer').isVisible(), false);
    match(await text(page, 'facts'), /HTTP status\s+404/);
    match(await text(page, 'reasons'), /organization org_globex[^]*ORGANIZATION_MISMATCH/);
  }],
  ['a missing second factor is told with its metadata, its challenge and what is missing', async page => {
    await press(page, 'Shift+Tab', 'ArrowDown', 'ArrowDown', 'Tab', 'Home', 'ArrowDown');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/DeleteInvoice');
    equal(await value(page, 'caller'), 'admin of acme, 2FA an hour ago');
    await press(page, 'Enter');
    await outcome(page, 'Refused: permission_denied, REVERIFICATION_REQUIRED');
    match(await text(page, 'facts'), /minutes = 10[^]*403[^]*insufficient_user_authentication/);
    match(await text(page, 'reasons'), /Missing\s+second factor within 10 minutes/);
  }],
  ['a stream is shown message by message, over gRPC-Web too', async page => {
    await press(page, 'Shift+Tab', 'ArrowDown', 'Tab');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/ExportInvoices');
    await page.keyboard.type('oauth app that may e');
    await press(page, 'Tab', 'Tab', 'ArrowDown', 'Enter');
    await page.waitForFunction(() => document.getElementById('outcome').textContent.startsWith('Answered'));
    const shown = await page.locator('#messages li').count();
    equal(await text(page, 'outcome'), `Answered: ok, ${shown} messages`);
    ok(shown > 1, `${shown} messages`);
  }],
  ['what the handler refuses is said to be the handler’s', async page => {
    await press(page, 'Shift+Tab', 'Shift+Tab');
    await page.keyboard.type('api key of a u');
    equal(await value(page, 'caller'), 'API key of a user');
    await press(page, 'Enter');
    await outcome(page, 'Refused: permission_denied, CALLER_NOT_ALLOWED');
    match(await text(page, 'reasons'), /up to the handler[^]*the handler refused it/);
  }],
  ['a stream of the client is not called, but explained', async page => {
    await press(page, 'Shift+Tab', 'ArrowDown');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/ImportInvoices');
    match(await text(page, 'about'), /Browsers cannot call/);
    await press(page, 'Enter');
    await outcome(page, 'Not called: no browser can. What the guard makes of it is below.');
    match(await text(page, 'reasons'), /CALLER_NOT_ALLOWED/);
  }],
  ['a request that is none is told at its field, and Ctrl+Enter calls once it is mended', async page => {
    await press(page, 'Home', 'ArrowDown', 'Tab', 'Home', 'Tab', 'Control+a');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/WhoAmI');
    await page.keyboard.type('{"nothing": 1}');
    await press(page, 'Control+Enter');
    match(await text(page, 'message-error'), /Not a WhoAmIRequest/);
    equal(await page.locator('#message').getAttribute('aria-invalid'), 'true');
    equal(await focused(page), 'message');
    await press(page, 'Control+a');
    await page.keyboard.type('{}');
    await press(page, 'Control+Enter');
    await outcome(page, 'Answered: ok');
    equal(await text(page, 'message-error'), '');
  }],
  ['Stop ends a call that is not answered', async page => {
    await page.route('**/WhoAmI', () => {}, { times: 1 });
    await press(page, 'Control+Enter', 'Tab', 'Tab', 'Tab');
    equal(await focused(page), 'stop');
    await press(page, 'Enter');
    await outcome(page, 'Stopped');
    equal(await focused(page), 'submit');
  }],
  ['a session cookie is set, and read where there is no authorization', async page => {
    await press(page, 'Shift+Tab', 'Shift+Tab', 'Shift+Tab');
    equal(await focused(page), 'caller');
    await page.keyboard.type('cookie: m');
    equal(await value(page, 'caller'), 'cookie: member of acme');
    match(await text(page, 'holds'), /adds a cookie[^]*Holds a session of user_bob/);
    const asked = page.waitForRequest('**/WhoAmI');
    await press(page, 'Enter');
    const { authorization, cookie } = await (await asked).allHeaders();
    equal(authorization, undefined);
    match(cookie, /^__session=/);
    await outcome(page, 'Answered: ok');
    match(await text(page, 'messages'), /"user_bob"/);
    match(await text(page, 'reasons'), /no authorization, so the guard reads the session cookie/);
    const [{ name, httpOnly, sameSite, path }] = await page.context().cookies();
    deepEqual({ name, httpOnly, sameSite, path }, { name: '__session', httpOnly: true, sameSite: 'Lax', path: '/' });
  }],
  ['a session cookie that has expired is refused', async page => {
    await press(page, 'ArrowUp', 'ArrowUp');
    equal(await value(page, 'caller'), 'cookie: admin, token expired');
    await press(page, 'Enter');
    await outcome(page, 'Refused: unauthenticated, TOKEN_EXPIRED');
    match(await text(page, 'facts'), /Challenge\s+Bearer/);
  }],
  ['nobody has no cookie either, and the browser has it no longer', async page => {
    await press(page, ...Array(5).fill('ArrowDown'));
    equal(await value(page, 'caller'), 'nobody');
    await press(page, 'Enter');
    await outcome(page, 'Refused: unauthenticated, CREDENTIAL_MISSING');
    deepEqual(await page.context().cookies(), []);
  }],
  ['a name in the matrix puts the procedure in the box', async page => {
    await page.locator('#matrix a').filter({ hasText: /^Ping$/ }).focus();
    await press(page, 'Enter');
    equal(await value(page, 'procedure'), '/invoices.v1.InvoiceService/Ping');
    equal(await focused(page), 'procedure');
  }],
];

export const useByKeyboard = async ({ context, url, check }) => {
  const page = await openPage(context, url);
  for (const [name, step] of steps) await check(`keyboard: ${name}`, () => step(page));
};
