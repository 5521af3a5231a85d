import { expertLoad } from 'hyperrouter-wasm';
import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import { Drawing, NoRouter } from '../stage/drawing.jsx';
import { narrowTextColumns, textColumns } from '../stage/layout.js';
import { Node } from '../stage/parts.jsx';
import { goesTo, tokenAt } from '../stage/token.js';
import { narrow as isNarrow, useMedia } from '../views/media.js';
import { cellOf } from './cells.js';
import { useCounts } from './counts.js';
import { profilesOf } from './profile.js';
import { Next } from './readout.jsx';
import { glyphsOf, nameOf, timesWords } from './specialisation.jsx';

/**
 * @typedef {import('./run.js').TextRun} TextRun
 * @typedef {import('./run.js').RoutedText} RoutedText
 * @typedef {import('./counts.js').Baseline} Baseline
 */

/** Characters, or pairs of them, in the row of an expert. */
const itemsInRow = 3;
/** Tokens before the one that goes in that are shown. */
const contextShown = 14;
const most = 5;

/**
 * The machine of the text room: the token that is pointed at goes through it with its context, and the likeliest next ones
 * come out. Each expert is a row of the characters that it gets more often than others do.
 *
 * @param {object} props
 * @param {TextRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./spotlight.js').Spotlight} props.spotlight
 * @param {import('./pointed.js').Pointed} props.pointed
 */
export function TextMachine({ run, state, spotlight, pointed }) {
  const { text, index } = pointed.shown.value;
  const { symbol } = run.vocabulary.value;
  const narrow = useMedia(isNarrow);
  const layer = Math.max(1, Number(state.get('layer'))) - 1;
  const [counts] = useCounts(run, layer + 1);
  const profiles = useMemo(() => counts && profilesOf(counts.sample, most), [counts?.sample]);
  const row = text ? index - text.from : -1;
  if (!text || row < 0 || row >= text.shape.tokens) {
    return <NoRouter kind="machine-text" reason={whyNot(run, text)} words="" />;
  }
  const token = text.tokens[index];
  const { name } = cellOf(token, symbol);
  const output = text.shape.predictions > 0 && (
    <Next routed={text} row={row} actual={text.tokens[index + 1]} symbols={symbol} title="Next" />
  );
  if (!text.shape.layers) {
    return (
      <NoRouter
        kind="machine-text"
        reason="No router: one network computes every token. Choose another router to see experts."
        words={said(name)}
        output={output}
      />
    );
  }
  const tokens = text.views.layers.map((routing) => tokenAt(routing, text.shape, row));
  const { experts } = text.shape;
  const load = expertLoad((run.probe.value ?? text).views.layers[layer].experts, experts);
  return (
    <Drawing
      {...{ state, layer, tokens, load, output }}
      kind="machine-text"
      columns={narrow ? narrowTextColumns : textColumns}
      biases={text.shape.biases?.[layer]}
      words={`${goesTo(said(name), tokens[layer].weights)}. Numbers: times as often as in the text${
        counts?.before ? '; below: untrained' : ''
      }.`}
      input={<Input tokens={text.tokens} index={index} symbols={symbol} />}
      about={(expert) => (
        <About
          items={itemsOf(profiles, expert).slice(0, itemsInRow)}
          before={counts?.before}
          expert={expert}
          symbols={symbol}
        />
      )}
      knownOf={(expert) => (
        <Specialises
          items={itemsOf(profiles, expert)}
          before={counts?.before}
          expert={expert}
          symbols={symbol}
        />
      )}
      isPressed={(expert) => spotlight.isPressed({ layer: layer + 1, expert })}
      press={(expert) => spotlight.press({ layer: layer + 1, expert })}
      pressWords="Press to see what is known of it, and its tokens alone in the text."
    />
  );
}

/** @param {string} name of a token */
const said = (name) => (name.length === 1 ? `“${name}”` : name);

/**
 * @param {TextRun} run
 * @param {RoutedText | null} text
 */
function whyNot(run, text) {
  if (!run.summary.value) return 'The model is being built.';
  return text
    ? 'Part of the prompt. Routing is shown for generated tokens only.'
    : 'Shown after the first step.';
}

/**
 * @param {readonly import('./profile.js').Profile[] | undefined} profiles
 * @param {number} expert
 */
const itemsOf = (profiles, expert) => {
  const { characters = [], pairs = [] } = profiles?.[expert] ?? {};
  return [...characters, ...pairs];
};

/**
 * The token that goes in, after its context.
 *
 * @param {{ tokens: Int32Array, index: number, symbols: import('./cells.js').Symbols }} props
 */
function Input({ tokens, index, symbols }) {
  const before = tokens.subarray(Math.max(0, index - contextShown), index);
  const { glyph, name } = cellOf(tokens[index], symbols);
  return (
    <>
      <span class="machine-context" title="The text before it">
        <bdi>{glyphsOf([...before], symbols)}</bdi>
      </span>
      <Node>
        <span class="machine-glyph">{glyph}</span>
      </Node>
      <small>{name === glyph ? '' : name}</small>
    </>
  );
}

/**
 * What an expert gets more often than others do, beside how often it was before training. Rendered again only for another
 * sample.
 */
const About = memo(
  /**
   * @param {object} props
   * @param {readonly import('./profile.js').Item[]} props.items
   * @param {Baseline | undefined} props.before
   * @param {number} props.expert
   * @param {import('./cells.js').Symbols} props.symbols
   */
  ({ items, before, expert, symbols }) => (
    <span class="machine-about">
      {items.map(({ tokens, lift }) => (
        <span key={tokens.join()}>
          <b>{glyphsOf(tokens, symbols)}</b>
          <i>
            {lift.toFixed(1)}×
            <small>{before && `${(before.of(tokens, expert)?.lift ?? 0).toFixed(1)}×`}</small>
          </i>
        </span>
      ))}
      {items.length === 0 && <span class="nothing">like the whole text</span>}
    </span>
  ),
);

/** @param {Parameters<typeof About>[0]} props */
function Specialises({ items, before, expert, symbols }) {
  if (!items.length) return <p>It gets no token clearly more often than the others do.</p>;
  return (
    <table class="known-logits">
      <thead>
        <tr>
          <th scope="col">Gets more often</th>
          <th scope="col">now</th>
          <th scope="col">untrained</th>
        </tr>
      </thead>
      <tbody>
        {items.map(({ tokens, lift, share }) => (
          <tr key={tokens.join()}>
            <th scope="row">{nameOf(tokens, symbols)}</th>
            <td>{timesWords({ lift, share })}</td>
            <td>{timesWords(before?.of(tokens, expert))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
