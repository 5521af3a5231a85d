/**
 * The rooms of the page. Each is loaded when it is first entered.
 *
 * @param {import('./context.js').Context} context
 * @param {string | null} [part] name of the figure that is embedded; null: the whole page
 * @returns {import('./shell.js').RoomEntry[]}
 */
export function createRooms(context, part = null) {
  if (part !== null) {
    return [
      {
        id: 'plane',
        title: 'Playground',
        summary: '',
        open: async () => (await import('./embed/parts.jsx')).openPart(context, part),
      },
      {
        id: 'text',
        title: 'Text',
        summary: '',
        open: async () => (await import('./embed/text-parts.jsx')).openPart(context, part),
      },
      {
        id: 'collapse',
        title: 'Collapse',
        summary: '',
        open: async () => (await import('./embed/collapse-part.jsx')).openPart(context),
      },
    ];
  }
  return [
    {
      id: 'plane',
      title: 'Playground',
      summary: 'which expert is chosen for a point',
      open: async () => (await import('./plane/room.jsx')).openRoom(context),
    },
    {
      id: 'text',
      title: 'Text',
      summary: 'which expert is chosen for a character',
      open: async () => (await import('./text/room.jsx')).openRoom(context),
    },
    {
      id: 'routers',
      title: 'Side by side',
      summary: 'routers compared on the same data',
      open: async () => (await import('./routers/room.jsx')).openRoom(context),
    },
    {
      id: 'inside',
      title: 'Inside the router',
      summary: 'where its weights come from',
      open: async () => (await import('./inside/room.jsx')).openRoom(context),
    },
    {
      id: 'collapse',
      title: 'Collapse',
      summary: 'tokens and the rows of R',
      unlisted: true,
      open: async () => (await import('./lessons/collapse/room.jsx')).openRoom(context),
    },
  ];
}
