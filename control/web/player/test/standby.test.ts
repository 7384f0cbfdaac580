import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Edge } from '../src/edges';
import { type Happening } from '../src/machine';
import { Peer } from '../src/peer';
import { Problem } from '../src/problem';
import { type Source } from '../src/source';
import { Viewing } from '../src/viewing';
import { FakePeer, edge, planned } from './fakepeer';

let controller: AbortController;
let told: Happening[];
let shown: string[];
/** All sessions, those that stand by apart. */
let playing: FakePeer[];
let standing: FakePeer[];
let most: number;

/** Opens every session, but where refused says otherwise of one that is to stand by. */
function open(refused: (edge: Edge) => Problem | undefined = () => undefined): void {
  const add = (list: FakePeer[], at: Edge) => {
    const peer = new FakePeer(at);
    list.push(peer);
    most = Math.max(most, [...playing, ...standing].filter(({ closed }) => !closed).length);
    return Promise.resolve(peer as unknown as Peer);
  };
  vi.spyOn(Peer, 'open').mockImplementation(at => add(playing, at));
  vi.spyOn(Peer, 'stand').mockImplementation(at => {
    const why = refused(at);
    return why ? Promise.reject(why) : add(standing, at);
  });
}

function view(source: Source, warm = true): { viewing: Viewing; run: Promise<void> } {
  const watcher = {
    happened: (what: Happening) => {
      told.push(what);
    },
    show: (peer: Peer) => {
      shown.push(peer.edge.node);
    },
    planned: () => undefined,
  };
  const viewing = new Viewing(source, watcher, warm);
  return { viewing, run: viewing.run(controller.signal) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const at = <T>(list: T[], i: number): T => {
  const found = list.at(i);
  if (found === undefined) throw new Error(`nothing at ${i}`);
  return found;
};

beforeEach(() => {
  vi.useFakeTimers();
  const page = new EventTarget(); // Node has no events of the network
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  [told, shown, playing, standing, most] = [[], [], [], [], 0];
  controller = new AbortController();
});

afterEach(() => {
  controller.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('some seconds after the first picture the next edge stands by, and one alone', async () => {
  open();
  const { viewing } = view(planned('a', 'b', 'c'));
  await pass(2900);
  expect(standing).toHaveLength(0);
  await pass(3200);
  expect(standing.map(peer => peer.edge.node)).toEqual(['b']);
  expect(viewing.standby).toBe('b');
  await pass(10 * 60_000);
  expect(standing).toHaveLength(1);
  expect(at(standing, 0).told).toContain('pause'); // which keeps the way open
  expect(at(standing, 0).told).not.toContain('play');
});

test('without the wish for one none stands by', async () => {
  open();
  view(planned('a', 'b'), false);
  await pass(60_000);
  expect(standing).toHaveLength(0);
  expect(at(playing, 0).suspected).toBeUndefined();
});

test('the standby goes on as soon as it has a picture, without a wait', async () => {
  open();
  view(planned('a', 'b', 'c'));
  await pass(6100);
  at(standing, 0).awaitPicture();
  at(playing, 0).fallSilent();
  await pass(0);
  expect(at(standing, 0).told).toEqual(['play']);
  expect(at(playing, 0).doubted).toBe(true); // silence alone does not end it now
  expect(at(playing, 0).closed).toBe(false);
  at(standing, 0).pictured();
  await pass(0);
  expect(shown).toEqual(['a', 'b']);
  expect(at(playing, 0).closed).toBe(true);
  expect(at(standing, 0).closed).toBe(false);
  expect(told).toEqual(['move']);
  expect(playing).toHaveLength(1);
  await pass(6100); // and the third edge stands by for it, since the first one rests
  expect(standing.map(peer => peer.edge.node)).toEqual(['b', 'c']);
  at(standing, 0).fallSilent();
  await pass(0);
  expect(shown).toEqual(['a', 'b', 'c']);
  expect(most).toBe(2);
});

test('where the first speaks again before that, the standby is paused', async () => {
  open();
  view(planned('a', 'b'));
  await pass(6100);
  at(standing, 0).awaitPicture();
  at(playing, 0).fallSilent();
  await pass(100);
  at(playing, 0).suspect = false;
  at(standing, 0).pictured();
  await pass(0);
  expect(at(standing, 0).told).toEqual(['play', 'pause']);
  expect([at(playing, 0).closed, at(playing, 0).doubted, at(standing, 0).closed]).toEqual([
    false,
    false,
    false,
  ]);
  expect(told).toEqual([]);
  at(playing, 0).fallSilent(); // it is there the next time, too
  await pass(0);
  expect(shown).toEqual(['a', 'b']);
});

test('play does not overtake the word that it still stands by', async () => {
  open();
  view(planned('a', 'b'));
  await pass(6100);
  const by = at(standing, 0);
  let answered!: () => void;
  by.pause = () => {
    by.told.push('pause');
    return new Promise(resolve => {
      answered = resolve;
    });
  };
  await pass(45_000);
  at(playing, 0).fallSilent();
  await pass(100);
  expect(by.told).toEqual(['pause']);
  answered();
  await pass(0);
  expect(by.told).toEqual(['pause', 'play']);
  expect(shown).toEqual(['a', 'b']);
});

test('a standby that cannot play is dropped, and the next edge is opened as ever', async () => {
  open();
  view(planned('a', 'b', 'c'));
  await pass(6100);
  at(standing, 0).play = () => Promise.reject(new Problem('full', 503, 'Full'));
  at(playing, 0).fallSilent();
  await pass(0);
  expect(at(standing, 0).closed).toBe(true);
  expect(at(playing, 0).doubted).toBe(false);
  at(playing, 0).end(new Problem('quiet', 0, 'Quiet'));
  await pass(400);
  expect(shown).toEqual(['a', 'b']);
  expect(most).toBe(2);
});

test('a session that fails is gone on with at once', async () => {
  open();
  view(planned('a', 'b'));
  await pass(6100);
  at(playing, 0).end(new Problem('media', 0, 'Failed'));
  await pass(0);
  expect(shown).toEqual(['a', 'b']);
  expect(playing).toHaveLength(1);
});

test('edges that take no standby are passed over, and asked again later', async () => {
  const asked: string[] = [];
  open(({ node }) => {
    asked.push(node);
    return node === 'b' ? new Problem('full', 503, 'Full') : undefined;
  });
  view(planned('a', 'b', 'c'));
  await pass(12_100);
  expect(asked).toEqual(['b', 'c']);
  at(standing, 0).end(new Problem('quiet', 0, 'Quiet'));
  await pass(6100);
  expect(asked).toEqual(['b', 'c']); // both rest
  expect(at(standing, 0).closed).toBe(true);
  await pass(36_000);
  expect(asked.slice(2)).not.toHaveLength(0);
  expect(playing).toHaveLength(1);
});

test('one that stands by where an edge is drained gives way to another, and a move uses it', async () => {
  open();
  const { viewing } = view(planned('a', 'b', 'c'));
  await pass(6100);
  viewing.leave(['b']);
  await pass(6100);
  expect(at(standing, 0).closed).toBe(true);
  expect(viewing.standby).toBe('c');
  expect(shown).toEqual(['a']);
  viewing.leave(['a']);
  await pass(5100);
  expect(shown).toEqual(['a', 'c']);
  expect(playing).toHaveLength(1);
});

test('one whose edge is not in a newer plan is given up', async () => {
  open();
  let nodes = ['a', 'b'];
  const source: Source = () =>
    Promise.resolve({ session: 's', token: 't', expires: 1, edges: nodes.map(edge) });
  const { viewing } = view(source);
  await pass(6100);
  expect(viewing.standby).toBe('b');
  nodes = ['a', 'c'];
  await pass(6 * 60_000);
  expect(at(standing, 0).closed).toBe(true);
  expect(viewing.standby).toBe('c');
});

test.each(['while it stands by', 'while it is tried', 'while it is opened'])(
  'a stop %s closes all',
  async when => {
    open();
    const { run } = view(planned('a', 'b'));
    await pass(6100);
    const by = at(standing, 0);
    if (when === 'while it is tried') {
      by.awaitPicture();
      at(playing, 0).fallSilent();
      await pass(10);
      controller.abort();
      by.pictured();
    } else if (when === 'while it is opened') {
      by.end(new Problem('quiet', 0, 'Quiet'));
      vi.spyOn(Peer, 'stand').mockImplementation(given => {
        controller.abort();
        standing.push(new FakePeer(given));
        return Promise.resolve(at(standing, -1) as unknown as Peer);
      });
      await pass(40_000);
    } else controller.abort();
    await run;
    await pass(0);
    expect([...playing, ...standing].map(({ closed }) => closed)).not.toContain(false);
    expect(vi.getTimerCount()).toBe(0);
  },
);
