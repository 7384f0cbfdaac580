import { expect, test } from 'vitest';
import { Pulse } from '../src/pulse';

test('reports alone keep an edge alive while the picture stands', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  for (let t = 200; t <= 2000; t += 200) pulse.look({ packets: 10 + t / 100, media: 5, pictures: 3 }, t);
  expect(pulse.lost).toBe(false);
  expect([pulse.stillMS, pulse.silentMS]).toEqual([2000, 2000]);
  pulse.look({ packets: 31, media: 6, pictures: 3 }, 2200);
  expect([pulse.stillMS, pulse.silentMS]).toEqual([2200, 0]);
});

test('400 ms without any packet and the edge is lost', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  pulse.look({ packets: 12, media: 5, pictures: 4 }, 200);
  pulse.look({ packets: 12, media: 5, pictures: 4 }, 400);
  expect(pulse.lost).toBe(false);
  pulse.look({ packets: 12, media: 5, pictures: 4 }, 600);
  expect(pulse.lost).toBe(true);
});

test('looks that come late accuse nobody while packets came', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  pulse.look({ packets: 500, media: 5, pictures: 90 }, 3000);
  expect([pulse.lost, pulse.stillMS]).toEqual([false, 0]);
});

test('counters that start over, as after a move, count as life', () => {
  const pulse = new Pulse({ packets: 1000, media: 5, pictures: 300 }, 0);
  pulse.look({ packets: 1, media: 5, pictures: 0 }, 1000);
  expect(pulse.lost).toBe(false);
});

test('three looks and 200 ms without any packet, and the edge is suspect', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  pulse.look({ packets: 12, media: 6, pictures: 4 }, 50);
  for (let t = 100; t < 250; t += 50) pulse.look({ packets: 12, media: 6, pictures: 4 }, t);
  expect(pulse.suspect).toBe(false);
  pulse.look({ packets: 12, media: 6, pictures: 4 }, 250);
  expect([pulse.suspect, pulse.lost]).toEqual([true, false]);
  pulse.look({ packets: 13, media: 6, pictures: 4 }, 300);
  expect(pulse.suspect).toBe(false);
});

test('a page that got no turn suspects nobody before packets could be counted', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  pulse.look({ packets: 10, media: 5, pictures: 3 }, 700);
  pulse.look({ packets: 10, media: 5, pictures: 3 }, 710);
  expect(pulse.suspect).toBe(false);
  pulse.look({ packets: 40, media: 9, pictures: 9 }, 750);
  expect([pulse.suspect, pulse.quietMS]).toEqual([false, 0]);
});

test('silence counts from the packet, not from the look that found it, and never from before the last look', () => {
  const pulse = new Pulse({ packets: 10, media: 5, pictures: 3 }, 0);
  pulse.look({ packets: 12, media: 6, pictures: 4, sinceMS: 180 }, 200);
  expect([pulse.quietMS, pulse.silentMS]).toEqual([180, 180]);
  pulse.look({ packets: 14, media: 7, pictures: 4, sinceMS: 900 }, 300);
  expect(pulse.quietMS).toBe(100);
  pulse.look({ packets: 15, media: 7, pictures: 4, sinceMS: 1000 }, 350); // a report, and no media
  expect(pulse.quietMS).toBe(0);
});
