/** The rooms that are listed, by what the address calls them. */
export const rooms = [
  { id: 'plane', title: 'Playground', summary: 'which expert is chosen for a point' },
  { id: 'text', title: 'Text', summary: 'which expert is chosen for a character' },
  { id: 'routers', title: 'Side by side', summary: 'routers compared on the same data' },
  { id: 'inside', title: 'Inside the router', summary: 'where its weights come from' },
];

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
      { id: 'plane', open: async () => (await import('./embed/parts.jsx')).openPart(context, part) },
      { id: 'text', open: async () => (await import('./embed/text-parts.jsx')).openPart(context, part) },
      { id: 'collapse', open: async () => (await import('./embed/collapse-part.jsx')).openPart(context) },
    ];
  }
  return Object.entries(loaders).map(([id, load]) => ({
    id,
    open: async () => (await load()).openRoom(context),
  }));
}

const loaders = {
  plane: () => import('./plane/room.jsx'),
  text: () => import('./text/room.jsx'),
  routers: () => import('./routers/room.jsx'),
  inside: () => import('./inside/room.jsx'),
  // Only a lesson or a link leads there.
  collapse: () => import('./lessons/collapse/room.jsx'),
};

/**
 * Loads the code of the room that an address names, beside the engine. If that fails, it is tried again when the room is
 * opened.
 *
 * @param {string} address with or without the `#`
 */
export function loadRoomAt(address) {
  const id = new URLSearchParams(address.replace(/^#/, '')).get('room') ?? '';
  const load = /** @type {Record<string, () => Promise<unknown>>} */ (loaders)[id] ?? loaders.plane;
  load().catch(() => {});
}
