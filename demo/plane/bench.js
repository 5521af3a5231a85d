import { createBench } from '../bench.js';
import { createSchema } from '../schema.js';
import { createState } from '../state.js';
import { createPlaneRun } from './run.js';
import { planeSettings } from './settings.js';

/**
 * The run of the playground.
 *
 * @param {import('../context.js').Context} context
 */
export function planeBench(context) {
  return context.bench('plane', async () => {
    const state = createState(createSchema(planeSettings, context.engine.fields.classifier));
    const run = createPlaneRun({ client: await context.client(), state });
    return createBench({ run, state });
  });
}
