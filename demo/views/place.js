import { createContext } from 'preact';

/**
 * Where on the page a view is, for the names of files that are saved there.
 *
 * @typedef {object} Place
 * @property {string} room id of the room
 * @property {() => number | undefined} step of the run; undefined where there is not one run
 */

export const PlaceContext = createContext(/** @type {Place} */ ({ room: '', step: () => undefined }));
