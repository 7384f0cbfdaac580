import { expect, test } from 'vitest';
import { bytesOf, passkeysAt, textOf } from '../shell/passkey';

test('bytes go to base64url and back', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 151) % 256);
    const text = textOf(bytes.buffer);
    expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
    expect([...bytesOf(text)]).toEqual([...bytes]);
  }
  expect(textOf(new Uint8Array([251, 255, 191]).buffer)).toBe('-_-_'); // RFC 4648, section 5
});

test('a page at an address of this machine has passkeys under its name', () => {
  const at = (url: string) => passkeysAt(new URL(url) as unknown as Location);
  expect(at('http://127.0.0.1:8080/settings/security')).toBe('http://localhost:8080/settings/security');
  expect(at('http://[::1]:8080/login')).toBe('http://localhost:8080/login');
  expect(at('http://10.0.0.5:8080/login')).toBe('');
  expect(at('https://webcasts.example/login')).toBe('');
});
