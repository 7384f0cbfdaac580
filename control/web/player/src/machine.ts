/** What a viewer is told. Pure: who opens sessions is in viewing.ts, what is drawn in element.ts. */

export type State =
  /** Nobody asked to play, or playing was stopped. */
  | 'idle'
  /** Asked; no picture yet. */
  | 'joining'
  /** Asked; the stream is not on the air yet. It is asked for again by itself. */
  | 'waiting'
  | 'playing'
  /** Another edge is being opened; the viewer sees nothing of it. */
  | 'moving'
  /** No new picture for longer than stallAfterMS. */
  | 'stalled'
  /** Asking again would get the same answer: access, browser or address. */
  | 'refused'
  /** It was playing and has left the air. It is asked for again by itself. */
  | 'ended';

export type Happening =
  | 'start'
  | 'stop'
  /** A picture (or, with sound alone, sound) is there and moving. */
  | 'picture'
  | 'move'
  | 'stall'
  /** The stream is not on the air. */
  | 'absent'
  /** An attempt failed, and another one follows: no state changes, but why is known. */
  | 'trouble'
  | 'refuse';

/** A picture that stands longer than this is a stall that the viewer is told of. */
export const stallAfterMS = 1500;
/** A stall longer than this is told with its reason and a button. */
export const explainAfterMS = 10_000;

const table: Record<State, Partial<Record<Happening, State>>> = {
  idle: { start: 'joining' },
  joining: { stop: 'idle', picture: 'playing', absent: 'waiting', refuse: 'refused' },
  waiting: { stop: 'idle', picture: 'playing', refuse: 'refused' },
  playing: { stop: 'idle', move: 'moving', stall: 'stalled', absent: 'ended', refuse: 'refused' },
  moving: { stop: 'idle', picture: 'playing', stall: 'stalled', absent: 'ended', refuse: 'refused' },
  stalled: { stop: 'idle', picture: 'playing', absent: 'ended', refuse: 'refused' },
  refused: { stop: 'idle', start: 'joining' },
  ended: { stop: 'idle', picture: 'playing', start: 'joining', refuse: 'refused' },
};

/** The state after what happened. What means nothing in a state leaves it as it is. */
export function after(state: State, happening: Happening): State {
  return table[state][happening] ?? state;
}
