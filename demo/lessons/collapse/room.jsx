import { createSchema } from '../../schema.js';
import { createState } from '../../state.js';
import { Field } from '../../views/field.jsx';
import { Notices } from '../../views/notices.jsx';
import { UnisonTransport } from '../../views/unison-transport.jsx';
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
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) collapse.notify('note', `${problem}.`);
  };
  return (
    <>
      <UnisonTransport
        unison={collapse}
        settings={state.schema.map(({ key }) => (
          <Field key={key} state={state} name={key} onProblems={onProblems} />
        ))}
      />
      <Notices run={/** @type {any} */ (collapse)} />
      <div class="small-room collapse">
        <CollapseFigure collapse={collapse} routers={routerLabels} />
      </div>
    </>
  );
}
