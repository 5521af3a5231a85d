/**
 * The guided tour, for somebody who has never heard of experts.
 *
 * @type {readonly import('./tour.js').TourStep[]}
 */
export const tourSteps = [
  {
    room: 'plane',
    title: 'A model that learns',
    text:
      'These points belong to different classes, and their places are all that the model is told. ' +
      'It guesses the class of a place, is corrected, and gets better, a step at a time.',
    ask: 'Press Start, and watch the map of its decisions bend around the points.',
    settings: { router: 'hyperrouter', experts: 6, topK: 2 },
    target: ['.transport .start'],
    done: (run) => run.step.value >= 20,
  },
  {
    room: 'plane',
    title: 'Experts share the work',
    text:
      'Inside are several small networks, the experts, and no place is taken by all of them. ' +
      'A router sends each place to a few; the map has the colour and the letter of the one that counts most there.',
    ask: 'Move over the map, or press the arrow keys on it, and read who takes the place under you.',
    target: ['.figure-ownership'],
  },
  {
    room: 'plane',
    title: 'One expert, or several',
    text:
      'The router gives each place to its k best experts, and mixes what they say by weights. ' +
      'With k = 1 a place belongs to one alone, and its weight is always 1, so that the router learns nothing from it.',
    ask: 'Set the experts per point to 3, and see the colours grow paler: more experts share each place.',
    target: ['.field:has(#setting-topK)'],
    done: (_run, state) => Number(state.get('topK')) >= 3,
  },
  {
    room: 'plane',
    title: 'Fair shares, and none',
    text:
      'Nobody tells the router to be fair. Often a few experts get nearly all the work and the others learn little. ' +
      'The bars of “Load of the experts” say which share each one gets; the line marks the fair one.',
    ask: 'Choose the router “Standard top-k (SMoE)”, whose weights are learned freely, and start again.',
    target: ['.field:has(#setting-router)', '.figure-load'],
    done: (run, state) => state.get('router') === 'smoe' && run.step.value >= 20,
  },
  {
    room: 'text',
    title: 'The same with text',
    text:
      'Here a language model learns a book, and every character has the colour of the expert that takes it. ' +
      'Before training the colours mean nothing; soon they will.',
    ask: 'Press Start, and wait a hundred steps.',
    settings: { router: 'hyperrouter' },
    target: ['.figure-text'],
    done: (run) => run.step.value >= 100,
  },
  {
    room: 'text',
    title: 'What an expert is good at',
    text:
      'Some experts take spaces, some vowels, some the beginnings of words. ' +
      'The table of characters and experts says who has specialised in what.',
    ask: 'Press a row or an expert, and see its characters stand out in the text.',
    target: ['.figure-matrix', '.figure-text'],
  },
  {
    room: 'text',
    title: 'Back in time',
    text:
      'The routing of this passage is kept from the first step on. ' +
      'Much of it is settled early: characters seldom change their experts later.',
    ask: 'Drag the slider back to step 0, and forward again.',
    target: ['.scrubber'],
    done: (run) => run.moment.value !== null,
  },
  {
    room: 'inside',
    title: 'Where the router comes from',
    text:
      'A HyperRouter does not learn its weights one by one. It learns a short vector, ' +
      'and a random network that never changes turns that vector into all of them.',
    ask: 'Press One step, and see which of the numbers move.',
    target: ['.figure-router-diagram'],
  },
  {
    room: 'routers',
    title: 'Which router is best?',
    text:
      'Routers that learn, that stay random, that are generated: here they run side by side, ' +
      'on the same data and from the same seed. Small runs may show no winner, and the page says so.',
    ask: 'Press Start, and compare the curves.',
    target: ['.figure-routers-loss'],
  },
];
