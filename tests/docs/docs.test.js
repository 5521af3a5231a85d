/** The docstrings say everything that the documentation of the interface is made of. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Application, ReflectionKind } from 'typedoc';
import * as index from '../../web/index.js';
import * as worker from '../../web/worker.js';
import { readDocument } from '../node/markdown.js';

const options = fileURLToPath(new URL('typedoc.config.js', import.meta.url));

describe('the documentation of the interface', () => {
  /** @type {Application} */
  let app;
  /** @type {import('typedoc').ProjectReflection} */
  let project;

  before(async () => {
    app = await Application.bootstrap({ options, logLevel: 'None' });
    project = /** @type {import('typedoc').ProjectReflection} */ (await app.convert());
    assert.ok(project);
    app.validate(project);
  });

  it('is made without a warning', () => {
    assert.deepEqual([app.logger.errorCount, app.logger.warningCount], [0, 0], 'npm run docs says which');
  });

  for (const [name, module] of Object.entries({ index, worker })) {
    it(`has every export of ${name}`, () => {
      const documented = project.getChildByName([name])?.children?.map((child) => child.name) ?? [];
      for (const key of Object.keys(module)) assert.ok(documented.includes(key), key);
    });
  }

  it('has text for everything with a name: exports, methods, parameters, properties', () => {
    const bare = project
      .getReflectionsByKind(ReflectionKind.All)
      // What is exported again is described where it comes from.
      .filter((reflection) => !reflection.isReference() && isNamed(reflection) && !hasText(reflection))
      .map((reflection) => reflection.getFullName());
    assert.deepEqual([...new Set(bare)], []);
  });

  it('and the guide have the same options of train', () => {
    const guide = readDocument('demo/guides/training.md').text;
    const table = guide.split('\n| option | meaning | default |\n')[1].split('\n\n')[0];
    const named = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
      cell.replaceAll('`', '').split(', '),
    );
    const options = project.getChildByName(['index', 'TrainOptions'])?.children?.map((child) => child.name);
    assert.deepEqual(named.sort(), options?.sort());
    const progress = /^A progress event is `\{ (.*) \}`/m.exec(guide)?.[1].split(', ');
    const fields = project.getChildByName(['index', 'TrainProgress'])?.children?.map((child) => child.name);
    assert.deepEqual(progress?.sort(), fields?.sort());
  });

  it('has every configuration key', async () => {
    const engine = await index.load();
    for (const [kind, type] of /** @type {const} */ ([
      ['language', 'LanguageKeys'],
      ['classifier', 'ClassifierKeys'],
    ])) {
      const keys = ['SharedConfig', type].flatMap((parent) => {
        return project.getChildByName(['index', parent])?.children?.map((child) => child.name) ?? [];
      });
      assert.deepEqual(
        keys.sort(),
        engine
          .configFields(kind)
          .map((field) => field.name)
          .sort(),
      );
    }
    engine.dispose();
  });
});

/**
 * What is inside of a type that is written out where it is used is described by what it belongs to; the constructor of
 * Error, by others.
 * @param {import('typedoc').Reflection} reflection
 */
function isNamed(reflection) {
  /** @type {import('typedoc').Reflection | undefined} */
  let at = reflection;
  for (; at; at = at.parent) {
    if (at.kindOf(ReflectionKind.TypeLiteral)) return false;
    if (at.isDeclaration() && at.kindOf(ReflectionKind.Constructor) && at.inheritedFrom) return false;
  }
  const kinds = ReflectionKind.SomeExport | ReflectionKind.SomeMember | ReflectionKind.Parameter;
  return reflection.kindOf(kinds);
}

/** @param {import('typedoc').Reflection} reflection */
function hasText(reflection) {
  const { signatures, getSignature } = /** @type {import('typedoc').DeclarationReflection} */ (reflection);
  return [reflection, ...(signatures ?? []), ...(getSignature ? [getSignature] : [])].some((each) =>
    each.hasComment(),
  );
}
