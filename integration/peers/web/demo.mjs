// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const patience = 60_000; // milliseconds until the demo serves
const logPatience = 5_000; // milliseconds until a line is in its log

/**
 * Starts the built demo on free ports, and returns its URL and its log once it serves. Web applications of the origins may call it with cookies.
 * Whoever gets one stops it.
 */
export const startDemo = async (binary, origins) => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-peers-web-'));
  const args = ['-addr', '127.0.0.1:0', '-grpc-addr', '127.0.0.1:0', '-state', join(folder, 'state.json'), '-keys', join(folder, 'keys.db'), '-debug'];
  const child = spawn(binary, [...args, ...origins.flatMap(origin => ['-origin', origin])], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = new Log(child.stderr);
  const ended = new Promise(resolve => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { url: await serving(child, ended), log, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}; it said:\n${log.last(10)}`);
  }
};

/** The lines that the demo logs, one for each decision of the guard. */
class Log {
  #text = '';

  constructor(stream) {
    stream.setEncoding('utf8').on('data', more => {
      this.#text += more;
    });
  }

  /** Returns the last lines. */
  last(lines) {
    return this.#text.trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Returns a place in the log, for after. */
  get end() {
    return this.#text.length;
  }

  /** Returns what is logged after a place up to a line that matches; the demo may answer a call before its line is here. */
  async after(place, pattern) {
    for (const late = Date.now() + logPatience; Date.now() < late; await sleep(10)) {
      const lines = this.#text.slice(place).split('\n').slice(0, -1);
      const found = lines.findIndex(line => pattern.test(line));
      if (found >= 0) return lines.slice(0, found);
    }
    throw new Error(`no line of the log matches ${pattern}`);
  }
}

const serving = (child, ended) =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the demo does not serve')), patience);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', more => {
      text += more;
      const found = text.match(/^Serving .* on (http:\S+), /m);
      if (!found) return;
      clearTimeout(late);
      resolve(found[1]);
    });
    ended.then(() => {
      clearTimeout(late);
      reject(new Error('the demo ended before it served'));
    });
  });
