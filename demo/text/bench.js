import { createBench } from '../bench.js';
import { createSchema } from '../schema.js';
import { createState } from '../state.js';
import { builtInText, keptText } from './data.js';
import { createTextRun } from './run.js';
import { textSettings } from './settings.js';

/**
 * The run of the text room.
 *
 * @param {import('../context.js').Context} context
 */
export function textBench(context) {
  return context.bench('text', async () => {
    const state = createState(createSchema(textSettings, context.engine.fields.language));
    const client = await context.client();
    const run = createTextRun({ client, state, loadText: builtInText, keptText });
    return createBench({ run, state });
  });
}
