/** What every journey needs: a page that tolerates no error, the player in it, and the rules it is held to. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Page, type TestInfo, expect } from '@playwright/test';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Collects what a page must never say: errors of scripts, of the console and of the security policy. */
export function watchErrors(page: Page, but: RegExp[] = []): string[] {
  const errors: string[] = [];
  const add = (text: string) => {
    if (!but.some(pattern => pattern.test(text))) errors.push(text);
  };
  page.on('pageerror', error => {
    add(`page: ${error.message}`);
  });
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning')
      add(`${message.type()}: ${message.text()}`);
  });
  return errors;
}

/** A stream of the mesh need not be an event, and Chromium writes a line for the answer that says so. */
export const noEvent = [/Failed to load resource.*404/];

/**
 * Has page take for a press of it what a pointer or a key does, and nothing else: to Chromium a journey's look into the
 * page is one, too, and lets it play with sound. Before the page is opened.
 */
export async function onlyRealPresses(page: Page): Promise<void> {
  await page.addInitScript(() => {
    let pressed = false;
    for (const kind of ['pointerdown', 'keydown'])
      addEventListener(kind, ({ isTrusted }) => (pressed ||= isTrusted), true);
    Object.defineProperty(UserActivation.prototype, 'hasBeenActive', { get: () => pressed });
  });
}

/** Waits until the player of page is in state. */
export async function untilState(page: Page, state: string, timeout = 10_000): Promise<void> {
  await page.waitForFunction(wanted => document.querySelector('freshet-player')?.state === wanted, state, {
    timeout,
  });
}

/** Waits until n more frames have been painted. */
export async function untilFrames(page: Page, n: number): Promise<void> {
  await page.evaluate(
    count =>
      new Promise<void>((resolve, reject) => {
        const video = document.querySelector('freshet-player')?.video;
        const timer = setTimeout(() => {
          reject(new Error('the picture stands still'));
        }, 20_000); // of a browser that shares two cores with three others
        const next = () => {
          if (count-- > 0) video?.requestVideoFrameCallback(next);
          else {
            clearTimeout(timer);
            resolve();
          }
        };
        next();
      }),
    n,
  );
}

/** What recordGaps tells. */
interface Gaps {
  /** Longest time between two painted frames of the video, in ms. */
  longest: number;
  /** Longest time in which the page itself got no turn, in ms: above a frame or three, the machine is starved. */
  starved: number;
  frames: number;
}

/** Records the time between painted frames from now on; answers a function that tells what it saw. */
export async function recordGaps(page: Page): Promise<() => Promise<Gaps>> {
  await page.evaluate(() => {
    const video = document.querySelector('freshet-player')?.video;
    const record = { last: 0, longest: 0, turn: performance.now(), starved: 0, frames: 0 };
    Object.assign(globalThis, { gaps: record });
    video?.requestVideoFrameCallback(function next(now) {
      if (record.last > 0) record.longest = Math.max(record.longest, now - record.last);
      record.last = now;
      record.frames++;
      video.requestVideoFrameCallback(next);
    });
    requestAnimationFrame(function next() {
      const now = performance.now();
      record.starved = Math.max(record.starved, now - record.turn);
      record.turn = now;
      requestAnimationFrame(next);
    });
  });
  return () =>
    page.evaluate(() => {
      const { gaps } = globalThis as unknown as { gaps: Gaps & { last: number } };
      return {
        longest: Math.max(gaps.longest, performance.now() - gaps.last),
        starved: gaps.starved,
        frames: gaps.frames,
      };
    });
}

/** Records how long the page gets no turn, from now on; answers a function that tells the longest such time, in ms. */
export async function recordTurns(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const turns = { last: performance.now(), starved: 0 };
    Object.assign(globalThis, { turns });
    requestAnimationFrame(function next() {
      const now = performance.now();
      turns.starved = Math.max(turns.starved, now - turns.last);
      turns.last = now;
      if ((globalThis as unknown as { turns: unknown }).turns === turns) requestAnimationFrame(next);
    });
  });
  return () => page.evaluate(() => (globalThis as unknown as { turns: { starved: number } }).turns.starved);
}

/** One join: how long its first picture took, and the longest time in which its page got no turn, both in ms. */
export interface Join {
  first: number;
  starved: number;
}

/**
 * Holds joins to the median and the maximum of the first picture, in ms. As in expectSmooth, a join whose page got no
 * turn for half of most says nothing of the mesh: it is void, and says so loudly; more than one in five may not be.
 */
export function expectQuick(joins: Join[], name: string, median: number, most: number, info: TestInfo): void {
  const valid = joins.filter(({ first, starved }) => first <= most || starved <= most / 2);
  const times = valid.map(({ first }) => first).sort((a, b) => a - b);
  const half = times.length / 2;
  const middle = ((times[Math.ceil(half) - 1] ?? Infinity) + (times[Math.floor(half)] ?? Infinity)) / 2;
  const line = `${name}, ms, n=${times.length}: median ${middle.toFixed(0)}, max ${(times.at(-1) ?? 0).toFixed(0)}`;
  const voided = joins.length - valid.length;
  info.annotations.push({ type: voided === 0 ? 'measured' : 'void', description: line });
  console.log(voided === 0 ? line : `VOID, starved machine, ${voided} of ${joins.length}: ${line}`);
  expect(valid.length, line).toBeGreaterThanOrEqual(joins.length / 2);
  expect(middle, line).toBeLessThan(median);
  expect(times.at(-1), line).toBeLessThan(most);
}

/**
 * Holds the picture to limit, in ms. A run in which the page itself got no turn for half of that says nothing of
 * the stream: it is void, and says so loudly.
 */
export function expectSmooth(gaps: Gaps, limit: number, info: TestInfo): void {
  const line = `${gaps.frames} frames, longest gap ${gaps.longest.toFixed(0)} ms, page without a turn ${gaps.starved.toFixed(0)} ms`;
  const isVoid = gaps.longest > limit && gaps.starved > limit / 2;
  info.annotations.push({ type: isVoid ? 'void' : 'measured', description: line });
  console.log(isVoid ? `VOID, starved machine: ${line}` : line);
  if (!isVoid) expect(gaps.longest, line).toBeLessThanOrEqual(limit);
}

/**
 * The loudest level of the player's sound, 0 to 1, read from what the element plays, as soon as it is above enough;
 * else the loudest of 10 s.
 */
export async function soundLevel(page: Page, enough: number): Promise<number> {
  return page.evaluate(async floor => {
    const stream = document.querySelector('freshet-player')?.video.srcObject;
    if (!(stream instanceof MediaStream) || stream.getAudioTracks().length === 0) return 0;
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 32_768; // two thirds of a second: a page with few turns misses no beep between two
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    const end = performance.now() + 10_000;
    while (loudest <= floor && performance.now() < end) {
      analyser.getFloatTimeDomainData(samples);
      for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
      await new Promise(resolve => requestAnimationFrame(resolve));
    }
    await context.close();
    return loudest;
  }, enough);
}

/** Holds the page to WCAG 2.2 AA as far as axe can tell. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const results = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return results.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`);
  });
  expect(found).toEqual([]);
}

/** Holds the page to its width: a page never scrolls sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { content, view } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    view: document.documentElement.clientWidth,
  }));
  expect(content).toBeLessThanOrEqual(view);
}

/** The looks in which a page is seen: all of them, in CI one, another for each page. */
export function looksOf<L>(page: number, looks: readonly L[]): readonly L[] {
  return process.env['CI'] ? looks.filter((_, i) => i === page % looks.length) : looks;
}
