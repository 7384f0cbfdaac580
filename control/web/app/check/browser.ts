/** What the browser can do, which is asked of it and not read out of its name. */

/** The least that the pages and the player need; a browser that is kept up to date has all of it. */
export function lacking(): 'webrtc' | 'codecs' | 'old' | undefined {
  if (typeof RTCPeerConnection === 'undefined' || typeof RTCRtpReceiver === 'undefined') return 'webrtc';
  if (!decodes('video', 'h264') || !decodes('audio', 'opus')) return 'codecs';
  // What the sheets are built for (vite.config.ts): browsers from the spring of 2024 on know it.
  return CSS.supports('color', 'light-dark(red, red)') ? undefined : 'old';
}

function decodes(kind: 'video' | 'audio', codec: string): boolean {
  const known = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  return known.some(({ mimeType }) => mimeType.toLowerCase() === `${kind}/${codec}`);
}
