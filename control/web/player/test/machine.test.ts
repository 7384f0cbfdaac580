import { expect, test } from 'vitest';
import { type Happening, type State, after } from '../src/machine';

const stories: { name: string; happenings: Happening[]; end: State }[] = [
  { name: 'press play, picture comes', happenings: ['start', 'picture'], end: 'playing' },
  { name: 'not on the air, then it starts', happenings: ['start', 'absent', 'picture'], end: 'playing' },
  {
    name: 'the edge dies, the next one has it',
    happenings: ['start', 'picture', 'move', 'picture'],
    end: 'playing',
  },
  { name: 'the move takes long', happenings: ['start', 'picture', 'move', 'stall'], end: 'stalled' },
  { name: 'a stall that heals', happenings: ['start', 'picture', 'stall', 'picture'], end: 'playing' },
  { name: 'the stream leaves the air', happenings: ['start', 'picture', 'move', 'absent'], end: 'ended' },
  { name: 'and comes back', happenings: ['start', 'picture', 'absent', 'picture'], end: 'playing' },
  { name: 'a link that is not valid', happenings: ['start', 'refuse'], end: 'refused' },
  {
    name: 'tried again after a refusal',
    happenings: ['start', 'refuse', 'start', 'picture'],
    end: 'playing',
  },
  { name: 'absent twice stays waiting', happenings: ['start', 'absent', 'absent'], end: 'waiting' },
  { name: 'stopped while joining', happenings: ['start', 'stop'], end: 'idle' },
  {
    name: 'a late picture after a stop means nothing',
    happenings: ['start', 'stop', 'picture'],
    end: 'idle',
  },
  {
    name: 'a stall before the first picture is still joining',
    happenings: ['start', 'stall'],
    end: 'joining',
  },
  { name: 'a refusal cannot be outlived by a move', happenings: ['start', 'refuse', 'move'], end: 'refused' },
];

test.each(stories)('$name: $end', ({ happenings, end }) => {
  expect(happenings.reduce<State>(after, 'idle')).toBe(end);
});

test('stop leads home from everywhere', () => {
  const all: State[] = ['joining', 'waiting', 'playing', 'moving', 'stalled', 'refused', 'ended'];
  for (const state of all) expect(after(state, 'stop'), state).toBe('idle');
});
