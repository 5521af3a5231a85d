import { useComputed } from '@preact/signals';
import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { count, percent } from '../format.js';
import { Chip, Figure } from '../views/figure.jsx';
import { cellOf } from './cells.js';
import { ClassMatrix, ClassTable } from './class-matrix.jsx';
import { classTable, layerSample, profilesOf } from './profile.js';

/**
 * @typedef {import('./run.js').TextRun} TextRun
 * @typedef {import('./spotlight.js').Spotlight} Spotlight
 * @typedef {import('./profile.js').Profile} Profile
 * @typedef {import('./profile.js').Item} Item
 * @typedef {{ run: TextRun, state: import('../state.js').State, spotlight: Spotlight }} Props
 */

/** Number of characters, and of pairs, that are shown for each expert. */
const maxItems = 5;

/**
 * Counts on the sample, for the layers that are shown. They change with the sample, not with every frame.
 *
 * @param {TextRun} run
 * @param {import('../state.js').State} state
 */
function useCounts(run, state) {
  const chosen = Number(state.get('layer'));
  const probe = run.probe.value;
  const data = run.data.value;
  // Frames with the same sample have the same counts.
  const key = `${probe?.shape.sample?.step} ${probe?.shape.topK} ${run.moment.value}`;
  return useMemo(() => {
    if (!probe || !data) return [];
    const layers = Array.from({ length: probe.shape.layers }, (_, i) => i).filter(
      (i) => chosen === 0 || chosen === i + 1,
    );
    return layers.flatMap((i) => {
      const sample = layerSample(probe, data, i);
      return sample ? [{ layer: i + 1, sample, table: classTable(sample) }] : [];
    });
  }, [key, chosen, data]);
}

/** @param {Props} props */
export function SpecialisationView({ run, state, spotlight }) {
  const counts = useCounts(run, state);
  const step = useComputed(() => run.probe.value?.shape.sample?.step ?? 0).value;
  if (!counts.length) return null;
  const read = counts[0].table.tokens;
  return (
    <>
      <Figure
        title="Routing by character class"
        name="matrix"
        caption={`Measured on ${count(read)} held-out characters at step ${count(step)}. Size of a square: the share of the class that is routed to the expert.`}
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
        {counts.map(({ layer, table }) => (
          <div key={layer}>
            {counts.length > 1 && <h3 class="layer-title">Layer {layer}</h3>}
            <ClassMatrix table={table} layer={layer} spotlight={spotlight} />
          </div>
        ))}
      </Figure>
      <Figure
        title="What each expert specialises in"
        name="profiles"
        caption="Characters, and pairs ending in the routed character. Number: how many times as often as in the whole text. Bar: share of its occurrences routed to the expert. Select one to highlight it in the text."
        table={() => <ProfileTable counts={counts} symbols={run.vocabulary.value.symbol} />}
      >
        {counts.map(({ layer, sample }) => (
          <div key={layer}>
            {counts.length > 1 && <h3 class="layer-title">Layer {layer}</h3>}
            <Profiles
              sample={sample}
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
 * @param {number} props.layer
 * @param {Spotlight} props.spotlight
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ProfileList({ sample, layer, spotlight, symbols }) {
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
              title={`Show only characters routed to expert ${letter}`}
              onClick={() => spotlight.press({ layer, expert })}
            >
              <span class="unseen">Expert </span>
              <Chip letter={letter} fill={fill} text={text} />
              <span class="profile-load">{percent(load)}</span>
            </button>
            <span class="profile-items">
              {items.map((item) => (
                <ItemButton key={item.tokens.join()} item={item} spotlight={spotlight} symbols={symbols} />
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
 * @param {Spotlight} props.spotlight
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ItemButton({ item: { tokens, lift, share }, spotlight, symbols }) {
  return (
    <button
      type="button"
      class="profile-item"
      data-picture
      aria-pressed={spotlight.isPressed({ tokens })}
      onClick={() => spotlight.press({ tokens })}
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') spotlight.point({ tokens });
      }}
      onPointerLeave={() => spotlight.point(null)}
    >
      <span class="unseen">
        {`${nameOf(tokens, symbols)}, ${lift.toFixed(1)} times as often as in the whole text, share ${percent(share)}`}
      </span>
      <b aria-hidden="true">{glyphsOf(tokens, symbols)}</b>
      <span aria-hidden="true">{lift.toFixed(1)} ×</span>
      <i class="profile-bar">
        <i style={{ width: `${100 * share}%` }} />
      </i>
    </button>
  );
}

/**
 * @param {readonly number[]} tokens
 * @param {import('./cells.js').Symbols} symbols
 */
const glyphsOf = (tokens, symbols) => tokens.map((token) => cellOf(token, symbols).glyph).join('');

/**
 * @param {readonly number[]} tokens
 * @param {import('./cells.js').Symbols} symbols
 */
const nameOf = (tokens, symbols) => tokens.map((token) => cellOf(token, symbols).name).join(' then ');

/**
 * @param {object} props
 * @param {{ layer: number, sample: import('./profile.js').LayerSample }[]} props.counts
 * @param {import('./cells.js').Symbols} props.symbols
 */
function ProfileTable({ counts, symbols }) {
  const rows = counts.flatMap(({ layer, sample }) =>
    profilesOf(sample, maxItems).flatMap(({ characters, pairs }, expert) =>
      [...characters, ...pairs].map((item) => ({ layer, expert, ...item })),
    ),
  );
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer, expert</th>
          <th scope="col">Characters</th>
          <th scope="col">Times as often</th>
          <th scope="col">Occurrences</th>
          <th scope="col">Share routed to the expert</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ layer, expert, tokens, lift, times, share }) => (
          <tr key={`${layer} ${expert} ${tokens.join()}`}>
            <th scope="row">
              {layer}, {letterOf(expert)}
            </th>
            <td>{nameOf(tokens, symbols)}</td>
            <td>{lift.toFixed(1)}</td>
            <td>{count(times)}</td>
            <td>{percent(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
