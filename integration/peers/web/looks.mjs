// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Looks at the page, light and dark, wide and narrow, and keeps what it saw.

import { deepEqual } from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openContext, openPage } from './window.mjs';

const most = 200 * 1024; // bytes of a picture
const sizes = { '': { width: 1280, height: 1150 }, '-narrow': { width: 375, height: 1300 } };

/** Texts whose contrast with what is behind them is less than WCAG 2.2 asks at level AA (1.4.3), and what is wider than the window. */
const flaws = () => {
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).map(c => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const { backgroundColor } = getComputedStyle(e);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0 0 0)' : 'rgb(255 255 255)';
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const isText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (!isText || !element.checkVisibility() || element.matches(':disabled, noscript, option, optgroup')) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(1)}: ${element.textContent.trim().slice(0, 30)}`);
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`it is ${scrollWidth} wide`);
  return found;
};

export const look = async ({ browser, url, complaints, check, folder }) => {
  for (const colorScheme of ['light', 'dark']) {
    for (const [suffix, viewport] of Object.entries(sizes)) {
      const name = `page-${colorScheme}${suffix}.png`;
      await check(`looks: ${name}: contrast, width, size`, async () => {
        const context = await openContext(browser, url, complaints, { colorScheme, viewport, reducedMotion: 'reduce' });
        const page = await openPage(context, url);
        await page.locator('#procedure').selectOption('/invoices.v1.InvoiceService/DeleteInvoice');
        await page.locator('#caller').selectOption('cookie: admin of acme, 2FA an hour ago');
        await page.locator('#submit').click();
        await page.locator('#why').waitFor();
        deepEqual(await page.evaluate(flaws), []);
        const path = join(folder, name);
        await page.mouse.move(0, 0);
        await page.evaluate(() => document.activeElement.blur());
        await page.screenshot({ path, animations: 'disabled' });
        await context.close();
        const { size } = await stat(path);
        if (size > most) throw new Error(`${size} bytes; at most ${most}`);
      });
    }
  }
};
