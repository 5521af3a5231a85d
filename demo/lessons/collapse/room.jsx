import { createSchema } from '../../schema.js';
import { createVisits } from '../../session/in-room.js';
import { createState } from '../../state.js';
import { Field } from '../../views/field.jsx';
import { Notices } from '../../views/notices.jsx';
import { Share } from '../../views/share.jsx';
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
export async function openRoom(context) {
  const { collapse, room } = await openCollapse(context);
  return { ...room, View: () => <CollapseRoom collapse={collapse} state={room.states[0]} /> };
}

/**
 * The models, and all of the room but how it looks.
 *
 * @param {import('../../context.js').Context} context
 */
export async function openCollapse({ engine, openClient, pictureEvery, shared }) {
  const { collapse, state, enter, leave } = await shared('collapse', async () => {
    const made = createState(createSchema(collapseSettings, engine.fields.classifier));
    const trained = createCollapse({ openClient, state: made, pictureEvery });
    const visits = createVisits({ trained, state: made, restsWhenLeft: true });
    return { collapse: trained, state: made, ...visits };
  });
  const room = {
    states: [state],
    run: null,
    step: () => collapse.step.value,
    status: collapse.status,
    // While other models are built, those before are still shown.
    look: () => (collapse.status.value === 'building' ? { step: 0 } : { spread: collapse.spread.value }),
    enter,
    leave,
    report: (/** @type {string[]} */ problems) => {
      for (const problem of problems) collapse.notify('note', problem);
    },
  };
  return { collapse, room };
}

/**
 * @param {import('./run.js').Collapse} collapse
 * @param {import('../../state.js').State} state
 * @returns {import('../../views/share.jsx').Shareable}
 */
const shareableOf = (collapse, state) => ({
  name: 'collapse',
  ready: () => collapse.models[0].session.summary.value !== null,
  step: () => collapse.step.value,
  // No setting can change during a run, and all data come with the page.
  departures: () => [],
  records: ({ historyRecord }) =>
    collapse.models.map(({ router, session }) => ({
      task: 'collapse',
      router,
      settings: state.values.peek(),
      ...historyRecord(session, 'point'),
    })),
  engine: () => collapse.models[0].session.engine,
  report: collapse.report,
});

/** @param {{ collapse: import('./run.js').Collapse, state: import('../../state.js').State }} props */
function CollapseRoom({ collapse, state }) {
  const onProblems = (/** @type {string[]} */ problems) => {
    for (const problem of problems) collapse.notify('note', `${problem}.`);
  };
  return (
    <>
      <UnisonTransport
        unison={collapse}
        settings={[
          ...state.schema.map(({ key }) => (
            <Field key={key} state={state} name={key} onProblems={onProblems} />
          )),
          <Share key="share" what={shareableOf(collapse, state)} />,
        ]}
      />
      <Notices run={/** @type {any} */ (collapse)} />
      <div class="small-room collapse">
        <CollapseFigure collapse={collapse} routers={routerLabels} />
      </div>
    </>
  );
}
