// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

import { chromium } from 'playwright-core';

const flags = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-partial-raster'];

/** Starts headless Chromium with a profile of its own, which goes when the browser does. */
export const startBrowser = executablePath => chromium.launch({ executablePath, chromiumSandbox: false, args: flags });

/**
 * Opens a context whose pages are watched: what a page should never do is added to complaints. A refused call is logged by Chromium
 * as an error of its own, so that errors about responses to calls are not counted; those about anything of the page are. Requests go to the demo
 * alone, and to the sites; what Chromium keeps from those that are foreign it logs too, and so it does where one of them goes to the answer
 * of a call, which has no icon and may have no text. That is not counted either.
 */
export const openContext = async (browser, url, complaints, { sites = [], foreign = [], ...options } = {}) => {
  const context = await browser.newContext(options);
  await context.exposeFunction('complain', text => complaints.push(text));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', event => globalThis.complain(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const isCall = address => address.startsWith(`${url}/`) && /^\/[a-z0-9.]+\.[A-Za-z]+\/[A-Za-z]+$/.test(new URL(address).pathname);
  const isKept = text => foreign.some(site => text.startsWith(`Access to fetch at '${url}/`) && text.includes(`' from origin '${site}' has been blocked by CORS policy`));
  const isLeft = at => foreign.length > 0 && (at === `${url}/favicon.ico` || at.startsWith('chrome-error:'));
  context.on('console', message => {
    const text = message.text();
    const at = message.location().url;
    const expected = isKept(text) || (text.startsWith('Failed to load resource') && (isCall(at) || isLeft(at)));
    if (['error', 'warning'].includes(message.type()) && !expected) complaints.push(`console: ${text} (${at})`);
  });
  context.on('weberror', error => complaints.push(`uncaught: ${error.error().message}`));
  context.on('page', page => page.on('crash', () => complaints.push(`${page.url()} crashed`)));
  context.on('request', request => {
    if (![url, ...sites].some(known => request.url().startsWith(`${known}/`))) complaints.push(`a request to ${request.url()}`);
  });
  return context;
};

/** Opens the page and waits until its call box works. */
export const openPage = async (context, url) => {
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.locator('#box[data-ready]').waitFor();
  return page;
};
