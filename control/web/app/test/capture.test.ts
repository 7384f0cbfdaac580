import { afterEach, expect, test, vi } from 'vitest';
import { capture } from '../live/capture';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A machine with these devices; a browser refuses both where one of what was asked is missing. */
function machineWith(...kinds: MediaDeviceKind[]) {
  const getUserMedia = vi.fn((asked: MediaStreamConstraints) => {
    const missing =
      (asked.video !== false && !kinds.includes('videoinput')) ||
      (asked.audio !== false && !kinds.includes('audioinput'));
    return missing
      ? Promise.reject(new DOMException('none', 'NotFoundError'))
      : Promise.resolve({} as MediaStream);
  });
  const enumerateDevices = () => Promise.resolve(kinds.map(kind => ({ kind, deviceId: '' })));
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia, enumerateDevices } });
  return getUserMedia;
}

test.each<[string, MediaDeviceKind[], boolean, boolean]>([
  ['camera and microphone', ['videoinput', 'audioinput', 'audiooutput'], true, true],
  ['a camera alone', ['videoinput', 'audiooutput'], true, false],
  ['a microphone alone', ['audioinput'], false, true],
])('with %s, what is there is asked for', async (_, kinds, video, audio) => {
  const asked = machineWith(...kinds);
  await capture('camera', '', '');
  const constraints = asked.mock.calls[0]?.[0];
  expect([constraints?.video !== false, constraints?.audio !== false]).toEqual([video, audio]);
});

test('with nothing at all the browser says so', async () => {
  machineWith();
  await expect(capture('camera', '', '')).rejects.toMatchObject({ name: 'NotFoundError' });
});
