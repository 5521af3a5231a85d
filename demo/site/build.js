// Writes the site: node demo/site/build.js [--docs] [FOLDER]
//
// The page, and in its folder docs/ the guides and the reference; with --docs only these. Static files that work from
// any path of any host.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { readDocumentation } from './documentation.js';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** Where the page names the documentation, if there is one beside it. */
const placeholder = '<!-- documentation -->';
const link = '<a href="./docs/index.html">Guides and reference</a>.';

/** @param {string} folder */
export async function buildPage(folder) {
  await build({
    configFile: here('../vite.config.js'),
    logLevel: 'warn',
    build: { outDir: folder },
    plugins: [
      {
        name: 'documentation',
        transformIndexHtml(html) {
          if (!html.includes(placeholder)) throw new Error(`index.html has no ${placeholder}`);
          return html.replace(placeholder, link);
        },
      },
    ],
  });
}

/**
 * @param {string} folder
 * @param {{ page: boolean }} about whether the page lies in the folder above
 */
async function buildDocumentation(folder, { page }) {
  const { app, project } = await readDocumentation({ page });
  await app.generateDocs(project, folder);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { docs: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const folder = resolve(positionals[0] ?? here(`../../build/${values.docs ? 'docs' : 'site'}`));
  if (values.docs) await buildDocumentation(folder, { page: false });
  else {
    await buildPage(folder);
    await buildDocumentation(join(folder, 'docs'), { page: true });
  }
  console.log(join(folder, 'index.html'));
}
