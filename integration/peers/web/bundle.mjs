// Copyright 2026 The Admit Authors
// SPDX-License-Identifier: Apache-2.0

// Bundles the script of the demo's page from its source. "node bundle.mjs" writes it, "node bundle.mjs -check" ends with code 1 if what
// is committed differs.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = fileURLToPath(new URL('../../../cmd/demo/page/', import.meta.url));

const banner = `// Bundled from page/src, connect-web and protobuf-es by integration/peers/web/bundle.mjs; do not edit. Licences: page.js.LEGAL.txt
`;

/** Bundles a file, with the packages of this folder wherever the file is. */
export const bundle = (entry, options) =>
  build({
    entryPoints: [entry],
    absWorkingDir: page,
    nodePaths: [`${here}node_modules`],
    bundle: true,
    write: false,
    minify: true,
    target: 'es2022',
    format: 'esm',
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });

const versionOf = async name => JSON.parse(await readFile(`${here}node_modules/${name}/package.json`, 'utf8'));

/** Says whose code is in a bundle, with the notices at the head of their files: the packages come without a file for them. */
const legalText = async metafile => {
  const packages = new Set();
  const notices = new Set();
  for (const path of Object.keys(metafile.inputs).sort()) {
    const name = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1];
    if (!name) continue;
    packages.add(name);
    const [head] = (await readFile(page + path, 'utf8')).match(/^(\/\/.*\n)*/);
    if (/copyright/i.test(head)) notices.add(head.replace(/^\/\/ ?/gm, '').replace(/(limitations under the License\.)[^]*/, '$1').trim());
  }
  const lines = [];
  for (const name of packages) {
    const { version, license } = await versionOf(name);
    lines.push(`${name} ${version}, ${license}`);
  }
  const intro = 'page.js has code of the packages below, under the notices below. The Apache License 2.0 is in the file LICENSE of this project.';
  return `${[intro, lines.join('\n'), ...notices].join('\n\n----\n\n')}\n`;
};

const made = async () => {
  const { outputFiles, metafile } = await bundle('src/page.js', { metafile: true });
  return { 'page.js': banner + outputFiles[0].text, 'page.js.LEGAL.txt': await legalText(metafile) };
};

const main = async check => {
  for (const [name, text] of Object.entries(await made())) {
    if (!check) {
      await writeFile(page + name, text);
      continue;
    }
    if ((await readFile(page + name, 'utf8')) !== text) throw new Error(`cmd/demo/page/${name} is stale; run node bundle.mjs and commit`);
    console.log(`ok  cmd/demo/page/${name} is what its source makes`);
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.includes('-check')).catch(error => {
    console.error(`peers-web: ${error.message}`);
    process.exitCode = 1;
  });
}
