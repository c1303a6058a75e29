// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Web applications that are not served by the demo: an empty page each, with the harness.

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const page = '<!doctype html><meta charset="utf-8"><title>An application</title><link rel="icon" href="data:,"><script src="/harness.js"></script>';

/** Returns the script that makes calls in a page. */
export const harnessText = async () => {
  const { outputFiles } = await bundle(fileURLToPath(new URL('harness.js', import.meta.url)), { format: 'iife' });
  return outputFiles[0].text;
};

const startSite = async (host, script) => {
  const server = createServer((request, response) => {
    const isScript = request.url === '/harness.js';
    response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
    response.end(isScript ? script : page);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { origin: `http://${host}:${server.address().port}`, server };
};

/**
 * Starts a site that is to be allowed and two that are not: a neighbour of the demo's, on another port of its host, which to browsers is the
 * same site; and one of another host. Whoever gets them stops them.
 */
export const startSites = async script => {
  const started = [];
  for (const host of ['127.0.0.1', '127.0.0.1', 'localhost']) started.push(await startSite(host, script));
  const [allowed, neighbour, stranger] = started.map(site => site.origin);
  const stop = () =>
    Promise.all(started.map(({ server }) => new Promise(resolve => {
      server.close(resolve);
      server.closeAllConnections();
    })));
  return { allowed, neighbour, stranger, stop };
};
