/** Which codecs this browser can send, and how an encoder is set for each. */
export type Codec = 'H264' | 'VP8' | 'VP9' | 'AV1';
export const codecs: readonly Codec[] = ['H264', 'VP8', 'VP9', 'AV1'];

export const codecNames: Record<Codec, string> = { H264: 'H.264', VP8: 'VP8', VP9: 'VP9', AV1: 'AV1' };

/** The codecs that can be sent here, in the order they are offered. */
export function sendable(): Codec[] {
  const known = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  return codecs.filter(codec => known.some(entry => nameOf(entry.mimeType) === codec));
}

/**
 * The formats of one codec, its best first, and its retransmissions. Of H.264, constrained baseline in
 * packetization mode 1 comes first: every viewer plays it.
 */
export function preferencesFor<C extends { mimeType: string; sdpFmtpLine?: string }>(
  codec: Codec,
  known: readonly C[],
): C[] {
  const own = known.filter(entry => nameOf(entry.mimeType) === codec);
  const rank = ({ sdpFmtpLine: line = '' }: C) =>
    (line.includes('packetization-mode=1') ? 0 : 2) + (line.includes('profile-level-id=42e0') ? 0 : 1);
  if (codec === 'H264') own.sort((a, b) => rank(a) - rank(b));
  return [...own, ...known.filter(entry => nameOf(entry.mimeType) === 'RTX')];
}

/** Bitrates of the layers in bit/s, with how much smaller each is than the picture. */
const layers = [
  { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 200_000 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 700_000 },
  { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
];

/** What to send: one encoding, or three layers by rid. */
export function encodingsFor(codec: Codec, simulcast: boolean): RTCRtpEncodingParameters[] {
  if (!simulcast) return [{ maxBitrate: 3_500_000 }];
  // VP9 and AV1 would send spatial layers in one stream unless told that each encoding stands alone.
  const alone = codec === 'VP9' || codec === 'AV1' ? { scalabilityMode: 'L1T1' } : {};
  return layers.map(layer => ({ ...layer, ...alone }));
}

function nameOf(mimeType: string): string {
  return (mimeType.split('/')[1] ?? '').toUpperCase();
}
