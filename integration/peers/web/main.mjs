// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Asks the demo and its page in headless Chromium: "node main.mjs DEMO CHROMIUM FOLDER" starts the built demo, and puts pictures of the page
// into the folder. It prints a line for each case and ends with code 1 if one differs.

import { deepEqual } from 'node:assert/strict';
import { askAll } from './calls.mjs';
import { startDemo } from './demo.mjs';
import { tryForgeries } from './forgeries.mjs';
import { useByKeyboard } from './keyboard.mjs';
import { look } from './looks.mjs';
import { harnessText, startSites } from './sites.mjs';
import { openContext, startBrowser } from './window.mjs';
import { World } from './world.mjs';

let cases = 0;
let differing = 0;

const check = async (name, run) => {
  cases++;
  try {
    await run();
    console.log(`ok       ${name}`);
  } catch (error) {
    differing++;
    console.log(`DIFFERS  ${name}\n         ${error.message.replaceAll('\n', '\n         ')}`);
  }
};

/** Calls from every origin. The demo's own page gets the harness from here; the sites have it. */
const askFromAll = async ({ browser, demo, sites: { allowed, neighbour, stranger }, harness, complaints }) => {
  const addresses = { own: demo.url, allowed, neighbour, stranger };
  const context = await openContext(browser, demo.url, complaints, { sites: [allowed, neighbour, stranger], foreign: [neighbour, stranger] });
  const origins = {};
  for (const [origin, address] of Object.entries(addresses)) {
    origins[origin] = await context.newPage();
    await origins[origin].goto(`${address}/`);
  }
  await origins.own.evaluate(harness);
  const world = await World.make({ context, demo, home: origins.own });
  await askAll({ world, origins, check });
  await tryForgeries({ world, context, addresses, check });
  await context.close();
};

const askInBrowser = async ({ browser, demo, sites, harness, folder }) => {
  const { url } = demo;
  const complaints = [];
  await askFromAll({ browser, demo, sites, harness, complaints });
  const context = await openContext(browser, url, complaints);
  await useByKeyboard({ context, url, check });
  await context.close();
  await look({ browser, url, complaints, check, folder });
  await check('nothing in the console, no violation of the content security policy, no request elsewhere', () => deepEqual(complaints, []));
};

/** Runs with what start gives, and stops that whatever happens. */
const during = async (start, run) => {
  const started = await start();
  try {
    return await run(started);
  } finally {
    await (started.stop ?? started.close).call(started);
  }
};

const main = async ([binary, executable, folder]) => {
  const harness = await harnessText();
  await during(() => startSites(harness), sites =>
    during(() => startDemo(binary, [sites.allowed]), demo =>
      during(() => startBrowser(executable), browser => {
        console.log(`connect-web in Chromium ${browser.version()} against the demo`);
        return askInBrowser({ browser, demo, sites, harness, folder });
      })));
  console.log(differing === 0 ? `All ${cases} cases are as expected.` : `${differing} of ${cases} cases differ.`);
  process.exitCode = differing === 0 ? 0 : 1;
};

main(process.argv.slice(2)).catch(error => {
  console.error(`peers-web: ${error.message}`);
  process.exitCode = 1;
});
