/** The guides and the reference as static pages that link to each other, with a search that needs no server. */
import { basename } from 'node:path';
import { Application, KindRouter, ReflectionKind } from 'typedoc';
import options from './typedoc.config.js';

export { ReflectionKind };

/**
 * @typedef {import('typedoc').CommentDisplayPart} Part
 * @typedef {import('typedoc').ProjectReflection} Project
 */

/** Names that programs import, by names of files. */
const MODULES = {
  index: 'hyperrouter-wasm',
  worker: 'hyperrouter-wasm/worker',
  'labelled-text': 'hyperrouter-wasm/labelled-text',
  study: 'hyperrouter-wasm/study',
};

/** What the guides call an object of a class. */
const OBJECTS = { engine: 'Engine', model: 'LanguageModel', classifier: 'Classifier' };

/** Stands for the address of the page until it is known from where. */
const PAGE = 'https://page.invalid/';

/** Guides have addresses of the names of their files. */
class GuideRouter extends KindRouter {
  /** @param {import('typedoc').Reflection} reflection */
  getIdealBaseName(reflection) {
    const { slug } = reflection.isDocument() ? reflection.frontmatter : {};
    return slug ? `guides/${slug}` : super.getIdealBaseName(reflection);
  }
}

/**
 * Reads docstrings and guides.
 *
 * @param {object} [about]
 * @param {boolean} [about.page] whether the page lies in the folder above
 * @param {import('typedoc').LogLevel | keyof typeof import('typedoc').LogLevel} [about.logLevel]
 * @returns {Promise<{ app: Application, project: Project }>} `app.generateDocs(project, folder)` writes them
 */
export async function readDocumentation({ page = false, logLevel = 'Warn' } = {}) {
  const navigationLinks = page ? { 'Live page': PAGE } : {};
  const app = await Application.bootstrap({ ...options, navigationLinks, logLevel });
  app.renderer.defineRouter('guides', GuideRouter);
  app.options.setValue('router', 'guides');
  app.converter.on('createDocument', (_, document) => nameAfterHeading(document));
  app.converter.on('resolveEnd', ({ project }) => {
    linkNames(project);
    for (const module of project.children ?? []) module.name = MODULES[module.name];
  });
  app.renderer.on('endPage', (event) => {
    const up = '../'.repeat(event.url.split('/').length);
    event.contents = event.contents?.replaceAll(`href="${PAGE}"`, `href="${up}index.html"`);
  });
  const project = await app.convert();
  if (!project) throw new Error('the documentation cannot be read');
  app.validate(project);
  return { app, project };
}

/**
 * The heading is what readers know a guide by, and the name of the file what its address has.
 *
 * @param {import('typedoc').DocumentReflection} document
 */
function nameAfterHeading(document) {
  document.frontmatter = { slug: basename(document.name).toLowerCase() };
  const [, heading] = /^# (.+)$/m.exec(document.content[0].text) ?? [];
  if (!heading) throw new Error(`${document.name}.md must begin with its heading`);
  document.name = heading;
}

/**
 * Code in the guides that names an export or a member leads to its reference.
 *
 * @param {Project} project
 */
function linkNames(project) {
  const index = project.getChildByName(['index']);
  /** @param {Part[]} parts */
  const linked = (parts) => {
    return parts.map((part, at) => {
      const target = part.kind === 'code' && index && find(part.text, parts[at - 1]?.text ?? '');
      return target ? { kind: 'inline-tag', tag: '@linkcode', text: part.text.slice(1, -1), target } : part;
    });
  };
  /** @param {string} code @param {string} before */
  function find(code, before) {
    const [, name, member, call] = /^`(?:new |await )*(\w+)(?:\.(\w+))?(\(.*\))?`$/.exec(code) ?? [];
    // A row of a table is about an option or a field, which may have the name of a function.
    if (!name || /(^|\n)\| ?$/.test(before)) return undefined;
    if (member) return index?.getChildByName([OBJECTS[name] ?? name, member]);
    const found = index?.getChildByName([name]);
    // A function of one word may be a word that means something else, such as load.
    return found && (call || /[A-Z]/.test(name)) ? found : undefined;
  }
  if (project.readme) {
    // The title of the site says it already.
    project.readme[0].text = project.readme[0].text.replace(/^# .*\n/, '');
    project.readme = linked(project.readme);
  }
  for (const document of project.documents ?? []) document.content = linked(document.content);
}
