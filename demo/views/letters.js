/**
 * Letters of experts as images, drawn once. As text they would be laid out again with every update of the figures, and
 * setting the font of a canvas forces a layout of the page that it is on.
 */

/** Pixels of the image per pixel of the page, for sharp screens. */
const sharpness = 3;

const font = { family: 'system-ui, sans-serif', weight: '600' };

/** @type {Map<string, HTMLCanvasElement>} */
const drawn = new Map();
/** @type {Map<string, string>} */
const addresses = new Map();
/** @typedef {{ letter: string, ink: string, size: number }} Letter ink: its colour; size: of the font, pixels */
/** @type {Map<string, Letter>} */
const known = new Map();

/** @param {Letter} what */
const keyOf = ({ letter, ink, size }) => `${letter} ${ink} ${size}`;

/** @param {Letter} what */
function imageOf(what) {
  const { letter, ink, size } = what;
  const key = keyOf(what);
  const before = drawn.get(key);
  if (before) return before;
  const image = document.createElement('canvas');
  const context = /** @type {CanvasRenderingContext2D} */ (image.getContext('2d'));
  const fontOfImage = `${font.weight} ${size * sharpness}px ${font.family}`;
  context.font = fontOfImage;
  image.width = Math.ceil(context.measureText(letter).width) + 2;
  image.height = Math.ceil(1.25 * size * sharpness);
  context.font = fontOfImage;
  context.fillStyle = ink;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(letter, image.width / 2, image.height / 2);
  drawn.set(key, image);
  return image;
}

/**
 * Draws a letter on a canvas of the page.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Letter} what
 * @param {{ x: number, y: number }} middle
 */
export function drawLetter(context, what, { x, y }) {
  const image = imageOf(what);
  const [width, height] = [image.width / sharpness, image.height / sharpness];
  context.drawImage(image, x - width / 2, y - height / 2, width, height);
}

/**
 * A letter as a layer of a CSS background, in the middle of its element. As SVG: browsers that protect against tracking do
 * not give the contents of a canvas.
 *
 * @param {Letter} what
 * @param {number} middle of it below the upper edge of the element, pixels
 */
export function letterLayer(what, middle) {
  const { letter, ink, size } = what;
  const key = keyOf(what);
  const height = Math.ceil(1.25 * size);
  let address = addresses.get(key);
  if (address === undefined) {
    const width = Math.ceil(size * letter.length);
    const box = `xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`;
    const style = `font-family="${font.family}" font-weight="${font.weight}" font-size="${size}" fill="${ink}"`;
    const place = `x="50%" y="50%" text-anchor="middle" dominant-baseline="central"`;
    const svg = `<svg ${box}><text ${style} ${place}>${letter}</text></svg>`;
    address = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
    addresses.set(key, address);
    known.set(address, what);
  }
  return `url("${address}") 50% ${middle - height / 2}px / auto ${height}px no-repeat`;
}

/**
 * The letter of such a layer, to be drawn in another way.
 *
 * @param {string} address of its image
 */
export function letterAt(address) {
  const letter = known.get(address);
  return letter && { ...letter, ...font };
}
