import { computed, signal } from '@preact/signals';
import { expertLoad } from 'hyperrouter-wasm';
import { fillOf, paper, strengthOf } from '../colours.js';
import { engineConfig } from '../config.js';
import { createRun } from '../run.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { builtInText, requireLength, storedText, storeText } from './data.js';
import { createFileOpener } from './file-opener.js';
import { frameViews } from './frame.js';
import { isPretrained, nothing, pretrainedModel, settleStart } from './pretrained.js';
import { textSettings } from './settings.js';
import { describeUnknown, SymbolVocabulary } from './vocabulary.js';
import { createSink } from './written.js';

/**
 * @typedef {import('../state.js').State} State
 * @typedef {import('../trainer/trainer-protocol.js').TextSummary} TextSummary
 * @typedef {import('./data.js').Text} Text
 * @typedef {import('./frame.js').FrameViews} FrameViews
 * @typedef {import('./frame.js').FrameShape} FrameShape
 *
 * @typedef {object} RoutedText a text and the routing of its tokens
 * @property {Int32Array} tokens
 * @property {number} from the first token with routing; those before are the prompt
 * @property {FrameShape} shape
 * @property {FrameViews} views by token, counted from `from`
 */

/** Milliseconds between two updates of a text that is being generated. */
const showEvery = 60;
/** Characters per row of a small picture. */
const thumbnailWidth = 28;

/**
 * The run of the text room, its settings, and what to do when a room that shows it is entered or left.
 *
 * @param {import('../context.js').Context} context
 */
export function openTextRun(context) {
  return context.shared('text', async () => {
    const schema = createSchema(textSettings, context.engine.fields.language);
    const state = createState(schema, { settle: settleStart });
    const run = createTextRun({ openClient: context.openClient, state });
    return { run, state, ...createVisits({ trained: run, state, longestReplay: run.task.replay }) };
  });
}

/**
 * The text, the model, the routing of the probe, and generated text.
 *
 * @param {{ openClient: () => Promise<import('../trainer/trainer-client.js').TrainerClient>, state: State }} parts
 */
function createTextRun({ openClient, state }) {
  const textName = signal('');
  const writing = signal(false);
  const written = signal(/** @type {RoutedText | null} */ (null));
  /** The vocabulary of the model. */
  const vocabulary = signal(SymbolVocabulary.bytes());
  /** @type {Map<string, Text>} by choice of the setting */
  const builtIn = new Map();
  /** @type {Text | undefined} */
  let own = storedText();
  /** @type {Uint8Array | undefined} the file of the pretrained model */
  let model;
  /** @type {number | undefined} */
  let writingId;
  /** Number of texts generated so far. */
  let generatedCount = 0;

  const run = createRun({
    openClient,
    state,
    /** @type {import('../run.js').Task<Text>} */
    task: {
      name: () => 'text',
      replay: 500,
      get per() {
        return vocabulary.value.unit;
      },
      guess: () => Math.log(vocabulary.value.size),
      config: () => ({ tokens: state.peek('tokens'), ...engineConfig(state) }),
      async start() {
        if (!isPretrained(state.values.peek())) return undefined;
        model ??= await pretrainedModel();
        return model;
      },
      check: (text, config) => requireLength(text, /** @type {any} */ (config)),
      settingsOf: ({ data }) => {
        const { unit } = SymbolVocabulary.fromJSON(/** @type {TextSummary} */ (data).vocabulary);
        return { tokens: `${unit}s`, start: nothing };
      },
      body: ({ bytes }) => ({ bytes }),
      missing: ({ name }) => (state.peek('text') === 'own' ? `the text “${name}”` : ''),
      async wanted() {
        if (state.peek('text') === 'own') {
          if (own) return own;
          run.notify('note', 'Your text was lost on the reload. The page now uses Moby-Dick.');
          state.setAll([['text', 'moby-dick']]);
        }
        const id = String(state.peek('text'));
        const text = builtIn.get(id) ?? (await builtInText(id));
        builtIn.set(id, text);
        return text;
      },
      begin(built, text) {
        textName.value = text.name;
        written.value = null;
        generatedCount = 0;
        const { unknown, vocabulary: json } = /** @type {TextSummary} */ (built.data);
        vocabulary.value = SymbolVocabulary.fromJSON(json);
        if (unknown) run.notify('note', describeUnknown(text.name, unknown));
      },
      loads: (shape, buffer) =>
        frameViews(buffer, shape).layers.map(({ experts }) => [...expertLoad(experts, shape.experts)]),
      thumbnails: probeThumbnails,
    },
  });

  const data = computed(() => /** @type {TextSummary | undefined} */ (run.summary.value?.data));

  /** The routing that is shown: the current one, or that of a recorded moment; null: none yet. */
  const probe = computed(
    /** @returns {RoutedText | null} */ () => {
      const picture = run.shown.value;
      if (!picture) return null;
      const shape = /** @type {FrameShape} */ (picture.shape);
      const tokens = data.value?.probe ?? new Int32Array();
      return { tokens, from: 0, shape, views: frameViews(picture.buffer, shape) };
    },
  );

  /** @param {Text} text */
  function useText(text) {
    try {
      requireLength(text, /** @type {any} */ ({ tokens: state.peek('tokens'), ...engineConfig(state) }));
    } catch (error) {
      run.report(error);
      return undefined;
    }
    own = text;
    storeText(text);
    run.notices.value = [];
    state.set('text', 'own');
    return run.build();
  }

  async function generate() {
    const prompt = new TextEncoder().encode(String(state.peek('prompt')));
    const { tokens, unknown } = vocabulary.peek().encode(prompt);
    if (!tokens.length) {
      const reason = prompt.length
        ? 'No character of the prompt is in the model’s vocabulary.'
        : 'The prompt is empty.';
      run.notify('problem', `${reason} Enter at least one character that the model knows.`);
      return;
    }
    if (unknown) run.notify('note', describeUnknown('The prompt', unknown));
    const maxTokens = Number(state.peek('length'));
    const sink = createSink(tokens, maxTokens);
    written.value = null;
    writing.value = true;
    /** @type {RoutedText | null} */
    let latest = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    // Parts arrive faster than anybody reads, and each would draw the whole text again.
    const show = () => {
      timer = undefined;
      written.value = latest;
    };
    try {
      const temperature = Number(state.peek('temperature'));
      const topP = Number(state.peek('topP'));
      // A different text each time, but the same sequence of texts in every run of these settings.
      const seed = (Number(state.peek('seed')) + 7919 * generatedCount++) % 2 ** 31;
      const request = run.session.request(
        'generate',
        { prompt, maxTokens, temperature, topP, seed },
        {
          onPart: (part) => {
            latest = sink(part);
            timer ??= setTimeout(show, showEvery);
          },
        },
      );
      writingId = request.id;
      await request;
      show();
    } catch (error) {
      run.report(error);
    } finally {
      clearTimeout(timer);
      writing.value = false;
    }
  }

  return {
    ...run,
    fileOpener: createFileOpener(run, state.settingOf('router').choices ?? []),
    data,
    vocabulary,
    textName,
    probe,
    writing,
    written,
    useText,
    generate,
    stopWriting: () => (writingId === undefined ? undefined : run.session.cancel(writingId)),
    hasOwnText: () => own !== undefined,
  };
}

/**
 * The passage that is shown, small: the chosen expert of each character in the first layer with a router.
 *
 * @param {FrameShape} shape
 * @param {ArrayBuffer} buffer
 * @returns {import('../session/runs.js').Thumbnail[]}
 */
function probeThumbnails(shape, buffer) {
  const [layer] = frameViews(buffer, shape).layers;
  if (!layer) return [];
  const { tokens, topK, experts } = shape;
  const rows = Math.ceil(tokens / thumbnailWidth);
  const fills = Array.from({ length: rows * thumbnailWidth }, (_, token) => {
    const expert = token < tokens && topK ? layer.experts[token * topK] : -1;
    return expert < 0 ? paper : fillOf(expert, experts, strengthOf(layer.weights[token * topK], topK)).fill;
  });
  return [{ name: 'Chosen expert per token', width: thumbnailWidth, fills }];
}

/** @typedef {ReturnType<typeof createTextRun>} TextRun */
