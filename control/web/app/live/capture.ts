/** Camera, microphone and screen. */
export type Kind = 'camera' | 'screen';

/** What is captured; its owner calls stop. */
export interface Capture {
  kind: Kind;
  stream: MediaStream;
}

/** Asks for picture and sound. A screen comes with the microphone beside its own sound, where it has any. */
export async function capture(kind: Kind, camera: string, microphone: string): Promise<Capture> {
  const audio: MediaTrackConstraints = {
    ...(microphone === '' ? {} : { deviceId: { exact: microphone } }),
    echoCancellation: true,
    noiseSuppression: true,
  };
  if (kind === 'screen') {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 30 } },
      audio: true,
    });
    if (stream.getAudioTracks().length === 0) {
      // Without sound of its own the screen is spoken over; without a microphone it stays silent.
      const voice = await navigator.mediaDevices.getUserMedia({ audio }).catch(() => undefined);
      for (const track of voice?.getTracks() ?? []) stream.addTrack(track);
    }
    return { kind, stream };
  }
  const video: MediaTrackConstraints = {
    ...(camera === '' ? {} : { deviceId: { exact: camera } }),
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
  };
  // One that this machine does not have is not asked for, or the browser would refuse both.
  const found = new Set((await navigator.mediaDevices.enumerateDevices()).map(device => device.kind));
  const alone = found.has('videoinput') !== found.has('audioinput');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: alone && !found.has('audioinput') ? false : audio,
    video: alone && !found.has('videoinput') ? false : video,
  });
  return { kind, stream };
}

export function stop(taken: Capture | undefined): void {
  for (const track of taken?.stream.getTracks() ?? []) track.stop();
}

/** The devices of one kind; names are known once the person has allowed one. */
export async function devices(kind: 'videoinput' | 'audioinput'): Promise<MediaDeviceInfo[]> {
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter(device => device.kind === kind && device.deviceId !== '');
}
