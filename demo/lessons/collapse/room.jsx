import { count } from '../../format.js';
import { createSchema } from '../../schema.js';
import { createState } from '../../state.js';
import { Field } from '../../views/field.jsx';
import { Notices } from '../../views/notices.jsx';
import { CollapseFigure } from './figure.jsx';
import { createCollapse } from './run.js';
import { collapseSettings, routerLabels } from './settings.js';

/**
 * Three routers beside each other, with the tokens they see and the rows of R.
 *
 * @param {import('../../context.js').Context} context
 * @returns {Promise<import('../../shell.js').Room>}
 */
export async function openRoom({ engine, openClient, pictureEvery, shared }) {
  const { collapse, state } = await shared('collapse', async () => {
    const made = createState(createSchema(collapseSettings, engine.fields.classifier));
    return { collapse: createCollapse({ openClient, state: made, pictureEvery }), state: made };
  });
  return {
    states: [state],
    run: null,
    step: () => collapse.step.value,
    status: collapse.status,
    // While other models are built, those before are still shown.
    look: () => (collapse.status.value === 'building' ? { step: 0 } : { spread: collapse.spread.value }),
    enter: collapse.follow,
    leave: collapse.pause,
    report: (problems) => {
      for (const problem of problems) collapse.notify('note', problem);
    },
    View: () => <CollapseRoom collapse={collapse} state={state} />,
  };
}

/** @param {{ collapse: import('./run.js').Collapse, state: import('../../state.js').State }} props */
function CollapseRoom({ collapse, state }) {
  const status = collapse.status.value;
  const running = status === 'running';
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) collapse.notify('note', `${problem}.`);
  };
  return (
    <>
      <section class="transport collapse-bar" aria-label="Training">
        <div class="transport-bar">
          <div class="transport-buttons">
            <button
              type="button"
              class="primary start"
              disabled={status === 'building' || status === 'failed'}
              onClick={running ? collapse.pause : collapse.start}
            >
              <span aria-hidden="true" class={running ? 'icon-pause' : 'icon-start'} />
              {running ? 'Pause' : 'Start'}
            </button>
            <button type="button" disabled={status === 'building'} onClick={collapse.reset}>
              Reset
            </button>
          </div>
          <dl class="facts-row">
            <div>
              <dt>Step</dt>
              <dd>{count(collapse.step.value)}</dd>
            </div>
          </dl>
        </div>
        <div class="transport-more collapse-settings">
          {state.schema.map(({ key }) => (
            <Field key={key} state={state} name={key} onProblems={onProblems} />
          ))}
        </div>
      </section>
      <Notices run={/** @type {any} */ (collapse)} />
      <div class="collapse">
        <CollapseFigure collapse={collapse} routers={routerLabels} />
      </div>
    </>
  );
}
