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
