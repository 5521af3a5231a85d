import { useComputed } from '@preact/signals';
import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { count, fixed, percent } from '../format.js';
import { Chip, Figure } from '../views/figure.jsx';
import { cellOf } from './cells.js';
import { ClassMatrix, ClassTable } from './class-matrix.jsx';
import { useCounts } from './counts.js';
import { informationOf, profilesOf } from './profile.js';

/**
 * @typedef {import('./run.js').TextRun} TextRun
 * @typedef {import('./spotlight.js').Spotlight} Spotlight
 * @typedef {import('./profile.js').Profile} Profile
 * @typedef {import('./profile.js').Item} Item
 * @typedef {import('./counts.js').Baseline} Baseline
 * @typedef {{ run: TextRun, state: import('../state.js').State, spotlight: Spotlight }} Props
 */

/** Number of characters, and of pairs, that are shown for each expert. */
const maxItems = 5;

/**
 * How much of the specialisation is learned.
 *
 * @param {{ sample: import('./profile.js').LayerSample, before: Baseline | undefined, step: number }} props
 */
function Information({ sample, before, step }) {
  const bits = useMemo(() => informationOf(sample), [sample]);
  const now = `The expert tells ${fixed(bits)} bits about the token.`;
  return (
    <p class="figure-fact">
      {!before
        ? `${now} There is no untrained model to compare with.`
        : step === 0
          ? `${now} This model is untrained: so much comes from random weights alone.`
          : `${now} In the untrained model: ${fixed(before.bits)} bits, from random weights alone.`}
    </p>
  );
}

/** @param {Props} props */
export function SpecialisationView({ run, state, spotlight }) {
  const counts = useCounts(run, Number(state.get('layer')));
  const step = useComputed(() => run.probe.value?.shape.sample?.step ?? 0).value;
  if (!counts.length) return null;
  const read = counts[0].table.tokens;
  return (
    <>
      <Figure
        title="Routing by character class"
        name="matrix"
        caption={`Measured on ${count(read)} held-out tokens at step ${count(step)}. Size of a square: the share of the class that is routed to the expert.`}
        table={() => counts.map(({ layer, table }) => <ClassTable key={layer} table={table} layer={layer} />)}
      >
        <ul class="key">
          <li>
            <i class="matrix-key is-more" /> clearly more than its load
          </li>
          <li>
            <i class="matrix-key is-same" /> about its load
          </li>
          <li>
            <i class="matrix-key is-less" /> clearly less than its load
          </li>
        </ul>
        {counts.map(({ layer, table, sample, before }) => (
          <div key={layer}>
            {counts.length > 1 && <h3 class="layer-title">Layer {layer}</h3>}
            <Information sample={sample} before={before} step={step} />
            <ClassMatrix table={table} layer={layer} spotlight={spotlight} />
          </div>
        ))}
      </Figure>
      <Figure
        title="What each expert specialises in"
        name="profiles"
        caption="Tokens, and pairs ending in the routed token. Number: how many times as often as in the whole text; in brackets: in the untrained model. Bar: share of its occurrences routed to the expert; the line in it: untrained. Select one to highlight it in the text."
        table={() => <ProfileTable counts={counts} symbols={run.vocabulary.value.symbol} />}
      >
        {counts.map(({ layer, sample, before }) => (
          <div key={layer}>
            {counts.length > 1 && <h3 class="layer-title">Layer {layer}</h3>}
            <Profiles
              sample={sample}
              before={before}
              layer={layer}
              spotlight={spotlight}
              symbols={run.vocabulary.value.symbol}
            />
          </div>
        ))}
      </Figure>
    </>
  );
}

/** Rendered again only for another sample. */
const Profiles = memo(ProfileList);

/**
 * @param {object} props
 * @param {import('./profile.js').LayerSample} props.sample
 * @param {Baseline | undefined} props.before
 * @param {number} props.layer
 * @param {Spotlight} props.spotlight
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ProfileList({ sample, before, layer, spotlight, symbols }) {
  const profiles = useMemo(() => profilesOf(sample, maxItems), [sample]);
  return (
    <ul class="profiles">
      {profiles.map(({ load, characters, pairs }, expert) => {
        const { fill, text } = fillOf(expert, profiles.length, 1);
        const letter = letterOf(expert);
        const items = [...characters, ...pairs];
        return (
          <li key={expert}>
            <button
              type="button"
              class="profile-expert"
              data-picture
              aria-pressed={spotlight.isPressed({ layer, expert })}
              title={`Show only tokens routed to expert ${letter}`}
              onClick={() => spotlight.press({ layer, expert })}
            >
              <span class="unseen">Expert </span>
              <Chip letter={letter} fill={fill} text={text} />
              <span class="profile-load">{percent(load)}</span>
            </button>
            <span class="profile-items">
              {items.map((item) => (
                <ItemButton
                  key={item.tokens.join()}
                  item={item}
                  before={before?.of(item.tokens, expert)}
                  spotlight={spotlight}
                  symbols={symbols}
                />
              ))}
              {items.length === 0 && <span class="nothing">no specialisation yet</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/**
 * @param {object} props
 * @param {Item} props.item
 * @param {{ lift: number, share: number } | undefined} props.before the same in the untrained model
 * @param {Spotlight} props.spotlight
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ItemButton({ item: { tokens, lift, share }, before, spotlight, symbols }) {
  const untrained = before ? `; untrained: ${before.lift.toFixed(1)} times, ${percent(before.share)}` : '';
  return (
    <button
      type="button"
      class="profile-item"
      data-picture
      aria-pressed={spotlight.isPressed({ tokens })}
      title={before && `Untrained: ${before.lift.toFixed(1)} ×, ${percent(before.share)} of them`}
      onClick={() => spotlight.press({ tokens })}
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') spotlight.point({ tokens });
      }}
      onPointerLeave={() => spotlight.point(null)}
    >
      <span class="unseen">
        {`${nameOf(tokens, symbols)}, ${lift.toFixed(1)} times as often as in the whole text, share ${percent(share)}${untrained}`}
      </span>
      <b aria-hidden="true">{glyphsOf(tokens, symbols)}</b>
      <span aria-hidden="true">{lift.toFixed(1)} ×</span>
      {before && <small aria-hidden="true">({before.lift.toFixed(1)})</small>}
      <i class="profile-bar">
        <i style={{ width: `${100 * share}%` }} />
        {before && <i class="profile-before" style={{ left: `${100 * before.share}%` }} />}
      </i>
    </button>
  );
}

/**
 * @param {readonly number[]} tokens
 * @param {import('./cells.js').Symbols} symbols
 */
export const glyphsOf = (tokens, symbols) => tokens.map((token) => cellOf(token, symbols).glyph).join('');

/**
 * How much more often an expert gets something, and its share of it.
 *
 * @param {{ lift: number, share: number } | undefined} of undefined: there is nothing to compare with
 */
export const timesWords = (of) => (of ? `${of.lift.toFixed(1)} ×, ${percent(of.share)}` : '–');

/**
 * @param {readonly number[]} tokens
 * @param {import('./cells.js').Symbols} symbols
 */
export const nameOf = (tokens, symbols) => tokens.map((token) => cellOf(token, symbols).name).join(' then ');

/**
 * @param {object} props
 * @param {{ layer: number, sample: import('./profile.js').LayerSample, before: Baseline | undefined }[]} props.counts
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ProfileTable({ counts, symbols }) {
  const rows = counts.flatMap(({ layer, sample, before }) =>
    profilesOf(sample, maxItems).flatMap(({ characters, pairs }, expert) =>
      [...characters, ...pairs].map((item) => ({
        layer,
        expert,
        before: before?.of(item.tokens, expert),
        ...item,
      })),
    ),
  );
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer, expert</th>
          <th scope="col">Tokens</th>
          <th scope="col">Times as often</th>
          <th scope="col">Untrained</th>
          <th scope="col">Occurrences</th>
          <th scope="col">Share routed to the expert</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ layer, expert, tokens, lift, times, share, before }) => (
          <tr key={`${layer} ${expert} ${tokens.join()}`}>
            <th scope="row">
              {layer}, {letterOf(expert)}
            </th>
            <td>{nameOf(tokens, symbols)}</td>
            <td>{lift.toFixed(1)}</td>
            <td>{before ? before.lift.toFixed(1) : '–'}</td>
            <td>{count(times)}</td>
            <td>{percent(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
