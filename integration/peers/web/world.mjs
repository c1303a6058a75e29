// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

import { equal } from 'node:assert/strict';

const session = '__session';
const service = '/invoices.v1.InvoiceService/';
const counting = 'ListInvoices';

/** What the cases know of the demo: its callers, its log, its invoices, and the cookies that the browser has for it. */
export class World {
  #context;
  #credentials;
  #descriptors;
  #home;

  /** Makes a world whose home is a page of the demo's own origin. */
  static async make({ context, demo, home }) {
    const { callers } = await (await fetch(`${demo.url}/page/data.json`)).json();
    const world = new World();
    world.url = demo.url;
    world.log = demo.log;
    world.#context = context;
    world.#home = home;
    world.#credentials = new Map(callers.flatMap(group => group.callers).map(caller => [caller.name, caller.credential]));
    world.#descriptors = Buffer.from(await (await fetch(`${demo.url}/page/descriptors.binpb`)).arrayBuffer()).toString('base64');
    return world;
  }

  /** Returns the credential of a caller. */
  credential(as) {
    if (!this.#credentials.has(as)) throw new Error(`the demo has no caller ${as}`);
    return this.#credentials.get(as);
  }

  /** Leaves the browser with the session cookies of these callers and no others: the first by signing in, each further one for a longer path. */
  async setCookies([first, ...further]) {
    await this.#context.clearCookies();
    if (first) {
      const signIn = async caller => (await fetch('/page/session', { method: 'POST', body: new URLSearchParams({ caller }) })).status;
      equal(await this.#home.evaluate(signIn, first), 204, 'the status of signing in');
    }
    const { hostname: domain } = new URL(this.url);
    await this.#context.addCookies(
      further.map(as => ({ name: session, value: this.credential(as), domain, path: service.slice(0, -1), sameSite: 'Lax', httpOnly: true })),
    );
  }

  /** Makes a call in a page, which has the harness. */
  ask(page, question) {
    return page.evaluate(asked => globalThis.ask(asked), { descriptors: this.#descriptors, baseUrl: this.url, message: '{}', over: 'connect', ...question });
  }

  /** Makes a call from the demo's own origin. */
  askAtHome(question) {
    return this.ask(this.#home, question);
  }

  /** Counts the invoices of acme, from the demo's own origin and without a cookie. */
  async count() {
    const question = { procedure: service + counting, credential: this.credential('member of acme'), credentials: 'omit' };
    const { code, answers } = await this.askAtHome(question);
    equal(code, 'ok', 'counting invoices');
    return answers.length;
  }

  /** Returns the lines of decisions that the log has after a place. */
  async decided(place) {
    await this.count(); // whose own line comes after all of them
    return this.log.after(place, new RegExp(`msg=admitted procedure=${service}${counting} .*caller.subject=user_bob`));
  }
}
