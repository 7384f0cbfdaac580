import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Backoff, sleep } from '../src/backoff';

/** Stands for the window, where the browser tells that the network is back. */
let page: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('waits double up to the cap and start over after a reset', () => {
  const highest = new Backoff(250, 2000, () => 1);
  expect([1, 2, 3, 4, 5].map(() => highest.next())).toEqual([250, 500, 1000, 2000, 2000]);
  highest.reset();
  expect(highest.next()).toBe(250);
});

test('jitter spreads a wait over its upper half', () => {
  expect(new Backoff(1000, 8000, () => 0).next()).toBe(500);
  expect(new Backoff(1000, 8000, () => 0.5).next()).toBe(750);
});

test('sleep ends after its time', async () => {
  const done = vi.fn();
  void sleep(1000, new AbortController().signal).then(done);
  await vi.advanceTimersByTimeAsync(999);
  expect(done).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(done).toHaveBeenCalledOnce();
});

test('sleep ends when the network comes back', async () => {
  const sleeping = sleep(60_000, new AbortController().signal);
  page.dispatchEvent(new Event('online'));
  await sleeping;
  expect(vi.getTimerCount()).toBe(0);
});

test('sleep throws when it is given up, and leaves no timer', async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(new Error('left'));
  await expect(sleeping).rejects.toThrow('left');
  expect(vi.getTimerCount()).toBe(0);
  await expect(sleep(1, controller.signal)).rejects.toThrow('left');
});
