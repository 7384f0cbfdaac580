/** Figures of what is being sent, and of how it arrives at the origin. */
import { type Look, activePair, codecName, number, perSecond, text } from '@freshet/player/rates';

export interface SentLayer {
  rid: string;
  width: number;
  height: number;
  fps: number;
  bitrateBPS: number;
}

export interface Sent {
  codec: string;
  layers: SentLayer[];
  audioBPS: number;
  loss: number | undefined;
  roundTripMS: number | undefined;
  /** cpu or bandwidth where the browser sends less than it was asked to; else empty. */
  limitedBy: string;
}

export function sentOf(look: Look, before: Look | undefined): Sent {
  const out = [...look.values()].filter(stat => stat.type === 'outbound-rtp');
  const video = out.filter(stat => stat['kind'] === 'video');
  const audio = out.find(stat => stat['kind'] === 'audio');
  const remote = [...look.values()].filter(stat => stat.type === 'remote-inbound-rtp');
  const losses = remote.map(stat => number(stat, 'fractionLost')).filter(n => n !== undefined);
  const trip = number(activePair(look), 'currentRoundTripTime') ?? number(remote[0], 'roundTripTime');
  return {
    codec: codecName(look, video[0]),
    layers: video
      .map(stat => ({
        rid: text(stat, 'rid'),
        width: number(stat, 'frameWidth') ?? 0,
        height: number(stat, 'frameHeight') ?? 0,
        fps: perSecond(stat, before, 'framesEncoded') ?? number(stat, 'framesPerSecond') ?? 0,
        bitrateBPS: (perSecond(stat, before, 'bytesSent') ?? 0) * 8,
      }))
      .sort((a, b) => b.height - a.height),
    audioBPS: (perSecond(audio, before, 'bytesSent') ?? 0) * 8,
    loss: losses.length === 0 ? undefined : Math.max(...losses),
    roundTripMS: trip === undefined ? undefined : trip * 1000,
    limitedBy:
      video
        .map(stat => text(stat, 'qualityLimitationReason'))
        .find(why => why === 'cpu' || why === 'bandwidth') ?? '',
  };
}
