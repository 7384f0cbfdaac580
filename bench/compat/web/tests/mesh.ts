/** What `freshet up --output json` prints, as far as these tests need it. */
export interface Mesh {
  api: string;
  stream: string;
  key: string;
  /** A mirror has none: it restarts no ICE. */
  control?: { node: string }[];
  origins: { whip: string }[];
  edges: { whep: string }[];
}

/** The mesh of FRESHET_UP, or undefined where there is none and CI does not ask for it. */
export function mesh(): Mesh | undefined {
  const line = process.env.FRESHET_UP;
  if (line) return JSON.parse(line) as Mesh;
  if (process.env.CI) throw new Error("FRESHET_UP is not set: it holds the line that `freshet up --output json` prints");
  return undefined;
}

export const ingest = (m: Mesh) => `${m.origins[0]!.whip}/${m.stream}`;

/** The last edge: the most hops away. */
export const farthest = (m: Mesh) => `${m.edges.at(-1)!.whep}/${m.stream}`;

/** Whether the mesh says that the stream is on the air: only then does a viewer find it. */
export async function live(m: Mesh): Promise<boolean> {
  const res = await fetch(`${m.api}/streams/${m.stream}`);
  if (!res.ok) throw new Error(`GET ${res.url}: ${res.status}`);
  return ((await res.json()) as { live: boolean }).live;
}
