/** The qualities an edge offers for one stream, as GET {session}/layer tells them. */
export interface Layer {
  rid: string;
  /** 0 where the edge does not know it. */
  width: number;
  height: number;
}

export interface Layers {
  /** Best first. */
  layers: Layer[];
  /** rid of the layer that is sent; null while only sound is. */
  active: string | null;
}

/** Reads the edge's answer; undefined where it is none. */
export function layersOf(body: unknown): Layers | undefined {
  if (body === null || typeof body !== 'object') return undefined;
  const { layers, active } = body as Record<string, unknown>;
  if (!Array.isArray(layers)) return undefined;
  return {
    layers: (layers as unknown[])
      .map(entry => (entry !== null && typeof entry === 'object' ? (entry as Record<string, unknown>) : {}))
      .map(({ rid, width, height }) => ({
        rid: typeof rid === 'string' ? rid : '',
        width: size(width),
        height: size(height),
      }))
      .reverse() // the edge tells the lowest first
      .sort((a, b) => b.height - a.height),
    active: typeof active === 'string' ? active : null,
  };
}

function size(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}
