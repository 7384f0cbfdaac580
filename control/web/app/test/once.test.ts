import { expect, test } from 'vitest';
import { makeOnce } from '../shell/once';

test('a request keeps its key until it is done, or asks for something else', () => {
  const once = makeOnce();
  const first = once.header({ a: 1 });
  expect(first['Idempotency-Key']).toMatch(/^[0-9a-f]{32}$/);
  expect(once.header({ a: 1 })).toEqual(first);
  expect(once.header({ a: 2 })).not.toEqual(first);
  const plain = once.header();
  expect(once.header()).toEqual(plain);
  once.done();
  expect(once.header()).not.toEqual(plain);
});
