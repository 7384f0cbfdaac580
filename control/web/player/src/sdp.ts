/** The few places where an offer of the browser needs another word. */

/** Asks for, and promises, stereo Opus: browsers decode and send mono unless the format line says so. */
export function withStereo(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/gim;
  let result = sdp;
  for (const [, payload] of sdp.matchAll(opus)) {
    result = result.replace(
      new RegExp(`^(a=fmtp:${payload} (?!.*\\bstereo=)[^\\r\\n]*)`, 'm'),
      '$1;stereo=1;sprop-stereo=1',
    );
  }
  return result;
}

/** The trickle fragment (RFC 8840) that carries candidates of one local description. */
export function fragment(local: string, candidates: readonly RTCIceCandidate[], done: boolean): string {
  const ufrag = /^a=ice-ufrag:.*$/m.exec(local)?.[0].trim() ?? '';
  const pwd = /^a=ice-pwd:.*$/m.exec(local)?.[0].trim() ?? '';
  const media = /^m=.*$/m.exec(local)?.[0].trim() ?? '';
  const mid = /^a=mid:.*$/m.exec(local)?.[0].trim() ?? 'a=mid:0';
  const lines = [ufrag, pwd, media, mid, ...candidates.map(c => `a=${c.candidate}`)];
  if (done) lines.push('a=end-of-candidates');
  return lines.join('\r\n') + '\r\n';
}
