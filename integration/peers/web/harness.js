// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// What runs in the browser for the table of calls: the page's own way to call, without the page.

import { call, methodOf, registryOf, requestOf } from '../../../cmd/demo/page/src/call.js';

/** Makes one call; descriptors are in base64. The answers come with the outcome. */
globalThis.ask = async ({ descriptors, procedure, message, ...rest }) => {
  const registry = registryOf(Uint8Array.from(atob(descriptors), letter => letter.charCodeAt(0)));
  const method = methodOf(registry, procedure);
  const answers = [];
  const outcome = await call({
    ...rest, registry, method, request: requestOf(registry, method, message), onMessage: answer => answers.push(answer),
  });
  return { ...outcome, answers };
};
