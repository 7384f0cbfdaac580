import { expect, test } from 'vitest';
import { hasEnded, keyBody } from '../settings/key';
import { hookState, hostOf } from '../settings/webhook';

test('a new key ends at a moment of the time zone, or never', () => {
  const draft = { name: 'CRM', scope: 'write', expiresAt: '' } as const;
  expect(keyBody(draft, 'Europe/Paris')).toEqual({ name: 'CRM', scopes: ['write'] });
  expect(keyBody({ ...draft, expiresAt: '2030-07-02T10:00' }, 'Europe/Paris').expiresAt).toBe(
    '2030-07-02T08:00:00.000Z',
  );
});

test('a key has ended at its end', () => {
  const at = Date.UTC(2026, 10, 27);
  expect(hasEnded({ expiresAt: null }, at)).toBe(false);
  expect(hasEnded({ expiresAt: '2026-11-27T00:00:00Z' }, at)).toBe(true);
  expect(hasEnded({ expiresAt: '2026-11-27T00:00:01Z' }, at)).toBe(false);
});

test.each([
  ['https://crm.delta.example/in?x=1', 'crm.delta.example'],
  ['https://crm.delta.example:8443/', 'crm.delta.example:8443'],
  ['crm', 'crm'],
])('the host of %s is %s', (url, host) => {
  expect(hostOf(url)).toBe(host);
});

test('a webhook that is switched off fails no more', () => {
  const time = '2026-11-27T00:00:00Z';
  expect(hookState({ offAt: null, failingSince: null })).toBe('on');
  expect(hookState({ offAt: null, failingSince: time })).toBe('failing');
  expect(hookState({ offAt: time, failingSince: time })).toBe('off');
});
