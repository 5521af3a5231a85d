/**
 * The guided tour, for people who have never heard of experts.
 *
 * @type {readonly import('./tour.js').TourStep[]}
 */
export const tourSteps = [
  {
    room: 'plane',
    title: 'A model that learns',
    text:
      'Each point belongs to a class. The model sees only the coordinates of a point and predicts its class. ' +
      'In each step it is corrected, and becomes a little better.',
    ask: 'Press Start, and watch the predicted classes change.',
    settings: { router: 'hyperrouter', experts: 6, topK: 2 },
    target: ['.transport .start'],
    done: (run) => run.step.value >= 20,
  },
  {
    room: 'plane',
    title: 'Experts share the work',
    text:
      'Inside the model are several small networks, the experts. A router sends each point to a few of them. ' +
      'The map shows the colour and letter of the expert with the largest weight.',
    ask: 'Point at the map, or tap it, to see which experts are chosen there.',
    target: ['.figure-ownership'],
  },
  {
    room: 'plane',
    title: 'One expert or several',
    text:
      'The router chooses the k experts with the largest logits, and the layer adds up their outputs by weight. ' +
      'Where the weights of the chosen experts sum to 1, as here, k = 1 teaches the router nothing: its weight is always 1.',
    ask: 'Set “Experts per point” to 3. The colours become paler where more experts share the work.',
    target: ['.field:has(#setting-topK)'],
    done: (_run, state) => Number(state.get('topK')) >= 3,
  },
  {
    room: 'plane',
    title: 'Even and uneven load',
    text:
      'Nothing forces the router to use all experts. Often a few get nearly all points, and the others learn little. ' +
      'The bars of “Expert load” show the share of each expert; the line marks an even load.',
    ask: 'Choose the router “Standard top-k (SMoE)”, which is trained without a hypernetwork, and press Start.',
    target: ['.field:has(#setting-router)', '.figure-load'],
    done: (run, state) => state.get('router') === 'smoe' && run.step.value >= 20,
  },
  {
    room: 'text',
    title: 'The same with text',
    text:
      'Here a language model learns a book. Each character has the colour of the expert with the largest weight. ' +
      'Before training, the colours mean nothing.',
    ask: 'Press Start, and wait for a hundred steps.',
    settings: { router: 'hyperrouter' },
    target: ['.figure-text'],
    done: (run) => run.step.value >= 100,
  },
  {
    room: 'text',
    title: 'What an expert specialises in',
    text:
      'Some experts get spaces, some get vowels, some get the beginnings of words. ' +
      'The table shows which kinds of characters are routed to which expert.',
    ask: 'Choose a row or an expert, and see its characters highlighted in the text.',
    target: ['.figure-matrix', '.figure-text'],
  },
  {
    room: 'text',
    title: 'Back in time',
    text:
      'The page keeps the routing of this passage from step 0 on. ' +
      'With the slider, all figures go back to an earlier step.',
    ask: 'Drag the slider back to step 0, and forward again.',
    target: ['.scrubber'],
    done: (run) => run.moment.value !== null,
  },
  {
    room: 'inside',
    title: 'Where the router comes from',
    text:
      'A HyperRouter does not train the weights of its router one by one. It trains a short vector, ' +
      'from which a frozen random network computes all of them.',
    ask: 'Press One step, and see which numbers change.',
    target: ['.figure-router-diagram'],
  },
  {
    room: 'routers',
    title: 'Which router is best?',
    text:
      'Here routers that are trained, frozen or generated run side by side, on the same data and from the same seed. ' +
      'Short runs of small models may have no winner, and then the page says so.',
    ask: 'Press Start, and compare the curves.',
    target: ['.figure-routers-loss'],
  },
];
