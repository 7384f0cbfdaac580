/** The qualities an edge offers for one stream, as GET {session}/layers tells them. */
export interface Layer {
  rid: string;
  width: number;
  height: number;
  /** 0 where the edge has not measured it. */
  bitrateBPS: number;
}

export interface Layers {
  /** Best first. */
  layers: Layer[];
  /** What is being sent. */
  current: string;
  /** What the viewer asked for; null leaves it to the edge. */
  wanted: string | null;
  audioOnly: boolean;
}

/** Reads the edge's answer; undefined where it is none. */
export function layersOf(body: unknown): Layers | undefined {
  if (body === null || typeof body !== 'object') return undefined;
  const answer = body as Record<string, unknown>;
  if (!Array.isArray(answer['layers'])) return undefined;
  const layers = (answer['layers'] as unknown[])
    .map(entry => (entry !== null && typeof entry === 'object' ? (entry as Record<string, unknown>) : {}))
    .map(entry => ({
      rid: typeof entry['rid'] === 'string' ? entry['rid'] : '',
      width: size(entry['width']),
      height: size(entry['height']),
      bitrateBPS: size(entry['bitrate_bps'] ?? entry['bitrateBPS'] ?? entry['bitrate']),
    }));
  layers.sort((a, b) => b.height - a.height || b.bitrateBPS - a.bitrateBPS);
  return {
    layers,
    current: typeof answer['current'] === 'string' ? answer['current'] : '',
    wanted: typeof answer['wanted'] === 'string' ? answer['wanted'] : null,
    audioOnly: answer['audioOnly'] === true || answer['audio_only'] === true,
  };
}

function size(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}
