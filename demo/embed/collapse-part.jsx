import { CollapseFigure } from '../lessons/collapse/figure.jsx';
import { openCollapse } from '../lessons/collapse/room.jsx';
import { routerLabels } from '../lessons/collapse/settings.js';
import { Notices } from '../views/notices.jsx';
import { UnisonTransport } from '../views/unison-transport.jsx';
import { Embedded } from './whole.jsx';

/**
 * The room of the embedded figure of the collapse.
 *
 * @param {import('../context.js').Context} context
 * @returns {Promise<import('../shell.js').Room>}
 */
export async function openPart(context) {
  const { collapse, room } = await openCollapse(context);
  const [state] = room.states;
  return {
    ...room,
    View: () => (
      <>
        <UnisonTransport unison={collapse} />
        <Notices run={/** @type {any} */ (collapse)} />
        <Embedded part="collapse" room="collapse" settings={state.address.value}>
          <CollapseFigure collapse={collapse} routers={routerLabels} />
        </Embedded>
      </>
    ),
  };
}
