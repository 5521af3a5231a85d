import { fixed, percent } from '../format.js';
import { starving } from '../plane/presets.js';

/**
 * The lessons. What they say of a run was measured with these settings; tests repeat it, and reach every task.
 *
 * @typedef {import('./present.js').Present} Present
 *
 * @typedef {object} Choice an answer to the question before the run
 * @property {string} text
 * @property {boolean} [right]
 * @property {string} because what the reader is told after choosing it
 *
 * @typedef {object} Check a part of the task, which the page checks on the live measures
 * @property {string} name as the page calls it
 * @property {string} want in words
 * @property {(present: Present) => number | undefined} at the value now; undefined: not known yet
 * @property {(value: number) => boolean} holds
 * @property {(value: number) => string} show
 *
 * @typedef {object} Hint why the task is not reached yet
 * @property {(present: Present) => boolean} when
 * @property {string} text
 *
 * @typedef {object} Step what to do, and where
 * @property {string} text
 * @property {readonly string[]} target selectors; the first that matches an element is shown
 * @property {string} [drawer] name of the drawer it is in
 *
 * @typedef {object} Lesson
 * @property {string} id as in a link
 * @property {string} title
 * @property {string} room id
 * @property {import('../schema.js').Values} settings of the run it starts; the others have their defaults
 * @property {string} intro
 * @property {{ ask: string, choices: readonly Choice[] }} question
 * @property {readonly Step[]} steps
 * @property {{ ask: string, checks: readonly Check[], hints: readonly Hint[] }} task hints: the first that applies is shown
 * @property {readonly string[]} conclude
 * @property {readonly string[]} notes for teachers
 */

/** @param {number} value */
const whole = (value) => fixed(value, 0);

/** @param {number} least @returns {Check} */
const stepAtLeast = (least) => ({
  name: 'Step',
  want: `at least ${least}`,
  at: ({ step }) => step,
  holds: (value) => value >= least,
  show: whole,
});

/** @param {number} least @returns {Check} */
const accuracyAtLeast = (least) => ({
  name: 'Held-out accuracy',
  want: `at least ${percent(least)}`,
  at: ({ accuracy }) => accuracy,
  holds: (value) => value >= least,
  show: percent,
});

/** @param {number} most @returns {Check} */
const loadVariationBelow = (most) => ({
  name: 'Load variation, largest of all layers',
  want: `below ${most}`,
  at: ({ layers }) => layers && Math.max(...layers.map(({ loadVariation }) => loadVariation)),
  holds: (value) => value < most,
  show: fixed,
});

/** @param {number} k @returns {Check} */
const kIs = (k) => ({
  name: 'Experts per point (k)',
  want: `${k}`,
  at: ({ values }) => Number(values.topK),
  holds: (value) => value === k,
  show: whole,
});

/** @param {number} k @returns {Hint} */
const otherK = (k) => ({
  when: ({ values }) => Number(values.topK) !== k,
  text: `This task needs k = ${k}: set “Experts per point (k)” back to ${k}.`,
});

/** @type {Hint} */
const noClasses = {
  when: ({ values }) => values.data === 'curve',
  text: 'A curve has no classes, so there is no accuracy. Choose the spirals again.',
};

/** @param {Present} present */
const variationOf = ({ layers = [] }) => Math.max(0, ...layers.map(({ loadVariation }) => loadVariation));

/** @param {Present} present */
const withoutExpert = ({ layers = [] }) => Math.max(0, ...layers.map((layer) => layer.withoutExpert));

/** Bits. With at most this held-out loss, a smaller k counts as good enough. */
const goodEnough = 0.1;

/** @param {Present} present @returns {number | undefined} the smallest k that is good enough, of all that were evaluated */
function smallestGoodK({ lossByK, values }) {
  if (lossByK?.length !== Number(values.experts)) return undefined;
  return lossByK.find(({ loss }) => loss / Math.LN2 <= goodEnough)?.topK;
}

/** A language model that trains a step in a few milliseconds. */
const smallText = {
  router: 'smoe',
  experts: 8,
  dModel: 32,
  dInner: 32,
  heads: 2,
  dHead: 16,
  batchSize: 4,
  contextLength: 32,
  memoryLength: 32,
};

const pressStart = { text: 'Press Start. Pause when you like.', target: ['.transport .start'] };

/** @type {readonly Lesson[]} */
export const lessons = [
  {
    id: 'top-k',
    title: 'Top-k and weights',
    room: 'plane',
    settings: { router: 'smoe' },
    intro:
      'Each layer of this model has six experts, which are small networks. A router computes one logit per expert ' +
      'for every point. The gate chooses the k = 2 experts with the largest logits.',
    question: {
      ask: 'What does the layer return for a point?',
      choices: [
        {
          text: 'The sum of two outputs, each times a weight',
          right: true,
          because:
            'Yes. Only the two chosen experts are computed. A softmax over their two logits gives weights that sum to 1.',
        },
        {
          text: 'The sum of all six outputs',
          because: 'No: then nothing would be saved. Four experts are not computed for this point at all.',
        },
        {
          text: 'The output of the best expert',
          because: 'No: with k = 2, the second expert counts too, with a smaller weight.',
        },
      ],
    },
    steps: [
      pressStart,
      {
        text: 'Choose a place: tap the map, point at it, or use its arrow keys. Read the two weights.',
        target: ['.machine', '.figure-ownership', '.plane-readout'],
      },
    ],
    task: {
      ask: 'Train the model until it classifies points that it has never seen, with two experts per point.',
      checks: [kIs(2), accuracyAtLeast(0.95)],
      hints: [otherK(2), noClasses],
    },
    conclude: [
      'A point costs two experts, however many there are. This is why a mixture of experts can be large and cheap.',
      'Neighbouring places mostly have the same experts. Where the pair changes, a boundary runs through the map.',
      'The router learned this from the loss alone: nobody told it which expert is good at what.',
    ],
    notes: [
      'Before the run, let the class guess how many different pairs six experts can form (15), and count the pairs on the map.',
      'Ask what happens at the boundary between two pairs: the output can jump, since top-k is not continuous.',
    ],
  },
  {
    id: 'starvation',
    title: 'Starvation and its cures',
    room: 'plane',
    settings: starving,
    intro:
      'Eight experts, two per point. An even load would be 12.5 % of the assignments for each expert. Nothing asks the ' +
      'router for that.',
    question: {
      ask: 'How will the load look after some hundred steps?',
      choices: [
        {
          text: 'About even',
          because:
            'No. An expert with more points learns more, is chosen more, and so gets even more points.',
        },
        {
          text: 'Some experts get nothing',
          right: true,
          because: 'Yes. An expert that gets no points learns nothing, so nothing brings it back.',
        },
        {
          text: 'One expert gets everything',
          because: 'Nearly: with k = 2, a point always has two. But most of the load goes to a few experts.',
        },
      ],
    },
    steps: [
      { text: 'Press Start and watch the expert load.', target: ['.figure-load', '.transport .start'] },
      {
        text: 'Cure 1: a load-balancing weight of 0.1 adds a loss for uneven load.',
        target: ['[data-setting="loadBalanceWeight"]', '[data-drawer="more"]'],
        drawer: 'more',
      },
      {
        text: 'Cure 2: the gate “Sigmoid” with a balance rate of 0.02. A bias then helps experts with little load.',
        target: ['[data-setting="balanceRate"]', '[data-drawer="more"]'],
        drawer: 'more',
      },
    ],
    task: {
      ask: 'Find settings with which all eight experts work and the model still learns. Each change starts a new run.',
      checks: [stepAtLeast(200), loadVariationBelow(0.4), accuracyAtLeast(0.95)],
      hints: [
        noClasses,
        {
          when: (present) => present.step >= 300 && variationOf(present) > 1,
          text: 'More training does not bring idle experts back. Try a cure: it starts a new run.',
        },
        {
          when: (present) => present.step >= 600 && variationOf(present) >= 0.4,
          text: 'Better, but not even enough. Balance more, or try the other cure.',
        },
        {
          when: ({ step, accuracy = 1 }) => step >= 600 && accuracy < 0.95,
          text: 'The load is even, but the model learns little. Balance less, or try the other cure.',
        },
      ],
    },
    conclude: [
      'Without balancing, three or four of the eight experts starve in this run.',
      'A loss for uneven load works, but it also pulls the router away from what the points need.',
      'A bias on the choice balances without a loss. A capacity limit drops assignments, and does not feed idle experts.',
    ],
    notes: [
      'Load variation is the standard deviation of the load over its mean: 0 is even; 1.73 is all load on two of eight experts.',
      'Add hide=data to the link to keep the class on one data set.',
      'Both cures reach the task within 500 steps with seed 4. Other seeds may need more.',
    ],
  },
  {
    id: 'collapse',
    title: 'Collapse, seen',
    room: 'collapse',
    settings: {},
    intro:
      'Three models learn the same points. Their vectors have three numbers, of which the layer norm leaves two free, so ' +
      'every token vector before the second router can be drawn exactly. The arrows are the rows of R.',
    question: {
      ask: 'Training moves each token along the difference of its experts’ rows of R. In which model are the tokens most likely to end on one line?',
      choices: [
        {
          text: 'Standard top-k: its rows are trained too',
          right: true,
          because:
            'Yes. Tokens follow the rows and the rows follow the tokens, so that both can end close to one line.',
        },
        {
          text: 'Frozen random: its rows do not move',
          because:
            'The tokens are pulled towards frozen rows too. But these rows do not follow, so the two do not reinforce each other.',
        },
        {
          text: 'HyperRouter: it generates all rows from one vector',
          because:
            'All its rows move together. In this run they move little, and the tokens stay spread out.',
        },
      ],
    },
    steps: [
      {
        text: 'Press Start. The models train to the same step.',
        target: ['.unison-bar', '.transport .start'],
      },
      {
        text: 'Compare the spread of the tokens and the similarity of the experts.',
        target: ['.collapse-models'],
      },
      { text: 'Change the seed, and train again.', target: ['[data-setting="seed"]'] },
    ],
    task: {
      ask: 'With seed 4, standard top-k collapses. Find a seed with which it does not.',
      checks: [
        stepAtLeast(1000),
        {
          name: 'Spread of the tokens, standard top-k',
          want: 'at least 1.7',
          at: ({ spread }) => spread,
          holds: (value) => value >= 1.7,
          show: fixed,
        },
      ],
      hints: [
        {
          when: ({ step, spread = 2 }) => step >= 1000 && spread < 1.7,
          text: 'With this seed the tokens of standard top-k do not spread enough. Try another seed.',
        },
      ],
    },
    conclude: [
      'With seed 4, the tokens of standard top-k stay on a short arc, nearly a line, and its experts become similar. The other two stay spread out.',
      'This run was found by search: of 96 runs, it differs most. On average over all 96, the spread of the three routers is nearly the same.',
      'So collapse is a risk, not a rule. Believe a difference between routers only over many seeds.',
    ],
    notes: [
      'The spread is (λ₁ + λ₂)² / (λ₁² + λ₂²) of the variances along the two main axes: 1 is a line, 2 is equal in all directions.',
      'The search: six data sets, 4 and 6 experts, seeds 1 to 8, 1,000 steps. Averages of the spread: 1.57, 1.55 and 1.53.',
      'Good to discuss: why showing only the best run of a search would mislead.',
    ],
  },
  {
    id: 'one-expert',
    title: 'One expert per token',
    room: 'plane',
    settings: { router: 'smoe', topK: 1 },
    intro:
      'k = 1 is the cheapest choice: one expert per point. The gate here is a softmax over the chosen logits, and only ' +
      'one is chosen.',
    question: {
      ask: 'What does the router learn with this gate?',
      choices: [
        {
          text: 'It learns, but slowly',
          because: 'Not even that. The softmax of a single logit is 1, whatever the logit is.',
        },
        {
          text: 'Nothing: it gets no gradient',
          right: true,
          because:
            'Yes. The softmax of a single logit is always 1, so its derivative is 0. R stays as it was.',
        },
        {
          text: 'It learns as with k = 2',
          because: 'No. With two logits the weights can change; with one they cannot.',
        },
      ],
    },
    steps: [
      pressStart,
      {
        text: 'Choose another gate, and train again. Watch the distance of R in the task.',
        target: ['[data-setting="gate"]'],
      },
    ],
    task: {
      ask: 'Keep k = 1, and find a gate from which the router learns.',
      checks: [
        kIs(1),
        {
          name: 'R, distance from its start (layer 1)',
          want: 'at least 1',
          at: ({ distances }) => distances?.R,
          holds: (value) => value >= 1,
          show: fixed,
        },
      ],
      hints: [
        otherK(1),
        {
          when: ({ step, distances }) => step >= 50 && distances?.R === undefined,
          text: 'This router trains no matrix R. Choose the router “Standard top-k (SMoE)”.',
        },
        {
          when: ({ step, distances }) => step >= 50 && Number(distances?.R) < 0.1,
          text: 'R does not move: with this gate it gets no gradient, however long you train. Choose another gate.',
        },
      ],
    },
    conclude: [
      'If the weights of the chosen experts always sum to 1, k = 1 teaches the router nothing. This holds for “Top-k, then softmax” and “Sigmoid”.',
      'Switch weights the expert by its probability under all logits, so the router gets a gradient.',
      'The model learns either way, since the experts learn. But then the router stays random.',
    ],
    notes: [
      'Three gates here teach the router at k = 1: “Softmax, then top-k” (Switch), “Expert choice” and “ReLU”.',
      '“Inside the router” shows the same: with the first gate, no gradient arrow reaches R.',
    ],
  },
  {
    id: 'expert-choice',
    title: 'Expert choice and its price in text',
    room: 'text',
    settings: { ...smallText, gate: 'expert-choice' },
    intro:
      'Turn the choice round: each expert chooses its characters, and all experts choose equally many. A small language ' +
      'model reads a book with this gate.',
    question: {
      ask: 'The load is even by construction. What is the price?',
      choices: [
        {
          text: 'There is none',
          because:
            'There is: some characters get no expert, and the choice depends on characters that come later.',
        },
        {
          text: 'Training is slower',
          because:
            'Hardly. The price is another one: the choice looks at later characters, and some get no expert.',
        },
        {
          text: 'Some characters get no expert, and the choice looks ahead',
          right: true,
          because:
            'Yes. Experts choose among all characters of a sequence. When a model writes, the later ones do not exist yet.',
        },
      ],
    },
    steps: [
      pressStart,
      { text: 'Read load variation and “Without expert”.', target: ['.figure-load'] },
      { text: 'Find hatched characters in the text.', target: ['.figure-text'] },
      {
        text: 'Choose the gate “Sigmoid”, and a balance rate.',
        target: ['[data-setting="balanceRate"]', '[data-setting="gate"]'],
        drawer: 'more',
      },
    ],
    task: {
      ask: 'Find another gate with a fairly even load, with which every character has its experts and none looks ahead.',
      checks: [
        stepAtLeast(150),
        loadVariationBelow(0.7),
        {
          name: 'Without expert',
          want: '0 %',
          at: (present) => present.layers && withoutExpert(present),
          holds: (value) => value === 0,
          show: percent,
        },
      ],
      hints: [
        {
          when: ({ step, values }) => step >= 50 && values.gate === 'expert-choice',
          text: 'With expert choice some characters get no expert, however long you train. Choose another gate.',
        },
        {
          when: (present) => present.step >= 50 && withoutExpert(present) > 0,
          text: 'Some characters get no expert: their experts are full, or their logits are negative. Try the gate “Sigmoid”, without a capacity limit.',
        },
        {
          when: (present) => present.step >= 250 && variationOf(present) >= 0.7,
          text: 'The load is too uneven. With the gate “Sigmoid”, a higher balance rate evens it out.',
        },
      ],
    },
    conclude: [
      'Expert choice is even without a loss, but it needs the whole sequence. Its loss on text is not that of a causal model.',
      'It suits encoders and images, where everything is there at once.',
      'For a model that writes, a bias on the choice gives an almost even load and looks at no later character.',
    ],
    notes: [
      'Zhou et al., “Mixture-of-Experts with Expert Choice Routing” (2022), introduced the gate; the look-ahead is the reason why decoders avoid it.',
      'Sigmoid with a balance rate of 0.02 reaches the task at step 200.',
    ],
  },
  {
    id: 'k-at-inference',
    title: 'Fewer experts at inference',
    room: 'plane',
    settings: { router: 'smoe', topK: 4 },
    intro:
      'This model is trained with k = 4 of six experts. A trained model can run with another k: fewer experts cost less.',
    question: {
      ask: 'After training with k = 4, which k gives the lowest held-out loss?',
      choices: [
        {
          text: 'k = 6: more experts, more knowledge',
          because: 'No. The outputs of the two added experts were never trained to be part of this sum.',
        },
        {
          text: 'k = 4, as in training',
          right: true,
          because:
            'Yes, here. The layer was trained with four, and with other numbers its output is scaled otherwise.',
        },
        {
          text: 'k = 1: the best expert alone',
          because: 'No. One expert alone was never trained to be enough.',
        },
      ],
    },
    steps: [
      pressStart,
      { text: 'After 400 steps, evaluate every k.', target: ['.figure-top-k'] },
      { text: 'Set k to the smallest that is good enough.', target: ['[data-setting="topK"]'] },
    ],
    task: {
      ask: 'Find the smallest k with which the held-out loss of the trained model is at most 0.1 bits, and set it.',
      checks: [
        stepAtLeast(400),
        {
          name: `Smallest k with a loss of at most ${goodEnough} bits`,
          want: 'evaluated',
          at: smallestGoodK,
          holds: () => true,
          show: whole,
        },
        {
          name: 'k is set to it',
          want: 'yes',
          at: (present) => {
            const least = smallestGoodK(present);
            return least === undefined ? undefined : Number(Number(present.values.topK) === least);
          },
          holds: (value) => value === 1,
          show: (value) => (value ? 'yes' : 'no'),
        },
      ],
      hints: [
        {
          when: (present) => present.step >= 400 && smallestGoodK(present) !== undefined,
          text: 'Now set “Experts per point (k)” to the smallest k that is good enough.',
        },
        {
          when: ({ step, lossByK, values }) => step >= 400 && lossByK?.length === Number(values.experts),
          text: 'No k is good enough yet. Train on, and evaluate again.',
        },
        {
          when: ({ step }) => step >= 400,
          text: 'Press “Evaluate every k” to see the held-out loss of each.',
        },
      ],
    },
    conclude: [
      'Here k = 3 is good enough and a quarter cheaper. With k = 1 the model is worse than guessing.',
      'A router that is trained with a growing k, as in the paper, can be run with fewer experts.',
      'Report the k of training and the k of inference together: they are two numbers.',
    ],
    notes: [
      'At step 600 of this run the losses in bits are 4.7, 2.5, 0.02, 0.00, 0.00 and 0.07 for k = 1 to 6.',
      'Let the class train with k = 2 instead, and compare.',
    ],
  },
  {
    id: 'hyperrouter',
    title: 'HyperRouter',
    room: 'inside',
    settings: { of: 'plane', router: 'hyperrouter' },
    intro:
      'A HyperRouter does not train R. A frozen random network, the hypernetwork, computes R and b from a short vector v.',
    question: {
      ask: 'Which numbers of this router does training change?',
      choices: [
        {
          text: 'All of R',
          because: 'R changes, but only as the result of something smaller that is trained.',
        },
        {
          text: 'Only the vector v',
          right: true,
          because: 'Yes: 32 numbers here. All rows of R follow from them, so they change together.',
        },
        {
          text: 'Nothing: the router is random',
          because:
            'That is the frozen router. In a HyperRouter the hypernetwork is frozen, but v is trained.',
        },
      ],
    },
    steps: [
      { text: 'Press One step, and see what changes.', target: ['.figure-router-diagram'] },
      { text: 'Press Start, and follow the path of v.', target: ['.figure-path', '.transport .start'] },
      { text: 'Choose a component of v, and see which part of R it moves.', target: ['.figure-effect'] },
    ],
    task: {
      ask: 'Train until v has moved clearly away from its start.',
      checks: [
        {
          name: 'v, distance from its start (layer 1)',
          want: 'at least 1',
          at: ({ distances }) => distances?.v,
          holds: (value) => value >= 1,
          show: fixed,
        },
      ],
      hints: [
        {
          when: ({ step, distances }) => step >= 5 && distances?.v === undefined,
          text: 'This router has no v. Choose the router “HyperRouter”.',
        },
      ],
    },
    conclude: [
      'The router improves with few trained numbers, and it cannot move one row alone.',
      'It is a middle way between a trained router, which may collapse with the tokens, and a random one, which never improves.',
      'Whether this helps depends on the task. “Side by side” trains the routers on the same data.',
    ],
    notes: [
      'Let the class count: with width 32 and six experts, R and b have 198 numbers, all from the 32 of v.',
      'Compare with the router “Frozen random”: R never changes, but the boundaries do, since its inputs change.',
    ],
  },
];
