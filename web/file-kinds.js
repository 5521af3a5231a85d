/** Says what a file is that is not what it should be, by how it begins. */

/** @typedef {[name: string, begins: (number | string)[], at?: number]} Kind where it begins: numbers are bytes */

/** @type {Kind[]} */
const KINDS = [
  ['a GGUF file (of llama.cpp)', ['GGUF']],
  ['a GGML file (of llama.cpp)', ['lmgg']],
  ['a WebAssembly module', [0, 'asm']],
  ['a gzip archive', [0x1f, 0x8b]],
  ['a 7z archive', ['7z', 0xbc, 0xaf]],
  ['a Zstandard archive', [0x28, 0xb5, 0x2f, 0xfd]],
  ['an xz archive', [0xfd, '7zXZ']],
  ['a tar archive', ['ustar'], 257],
  ['an HDF5 file (of Keras)', [0x89, 'HDF']],
  ['a NumPy file (.npy)', [0x93, 'NUMPY']],
  ['a TensorFlow Lite file', ['TFL3'], 4],
  ['a PNG image', [0x89, 'PNG']],
  ['a PDF file', ['%PDF']],
  ['the pointer of Git LFS in place of the file (git lfs pull fetches it)', ['version https://git-lfs']],
];

/** @param {string} form */
const pyTorch = (form) => `a PyTorch file (.pt, ${form}), which must be converted to safetensors in Python`;

/** @param {Uint8Array} bytes @param {Kind} kind */
function is(bytes, [, begins, at = 0]) {
  const wanted = begins.flatMap((part) =>
    typeof part === 'number' ? part : [...part].map((c) => c.charCodeAt(0)),
  );
  return wanted.every((byte, i) => bytes[at + i] === byte);
}

/** @param {Uint8Array} bytes */
const latin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/**
 * @param {Uint8Array} bytes of the file
 * @returns {string | undefined} what it is, with its article; undefined if that is not known
 */
export function fileKind(bytes) {
  const known = KINDS.find((kind) => is(bytes, kind));
  if (known) return known[0];
  const start = latin(bytes.subarray(0, 512));
  if (start.startsWith('PK')) {
    if (/^.{28}..[^\0]{0,200}(data\.pkl|\.format_version|byteorder)/s.test(start))
      return pyTorch('a zip archive');
    return /^.{30}[^\0]{0,200}\.npy/s.test(start) ? 'a NumPy archive (.npz)' : 'a zip archive';
  }
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
    // The magic number of torch.save before version 1.6, as a long of pickle.
    return start.includes('l\xfc\x9cF\xf9 j\xa8P\x19')
      ? pyTorch('a pickle')
      : 'a Python pickle (.pkl, or an older .pt), which must be converted to safetensors in Python';
  }
  const text = start.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(!doctype\s+html|html|head|body|script|meta|title|!--)/i.test(text)) return 'an HTML page';
  if (/^<(\?xml|[a-z])/i.test(text)) return 'an XML text';
  if (/^[{[]\s*(["\]}[{]|[\d-])/.test(text)) return 'a JSON text';
  return /^[\t\n\r\x20-\x7e]{16}/.test(start) ? 'a text' : undefined;
}
