/** Pictures that journeys need, made as they run. */
import { deflateSync, crc32 } from 'node:zlib';
import { type Page } from '@playwright/test';

/** A PNG whose pixels paint gives, each as red, green, blue and opacity. */
export function png(
  width: number,
  height: number,
  paint: (x: number, y: number) => [number, number, number, number],
): Buffer {
  const rows = Buffer.alloc(height * (1 + 4 * width));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows.set(paint(x, y), y * (1 + 4 * width) + 1 + 4 * x);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Rings on nothing: a logo that stands on any ground. */
export const logo = png(240, 80, (x, y) => {
  const ring = Math.floor(Math.hypot((x % 80) - 40, y - 40) / 8) % 2;
  return [200, 40, 120, ring === 1 && Math.hypot((x % 80) - 40, y - 40) < 40 ? 255 : 0];
});

/** Loud stripes: what is read must not stand on them. */
export const stripes = png(400, 300, (x, y) =>
  Math.floor((x + y) / 20) % 2 === 0 ? [250, 220, 60, 255] : [30, 60, 160, 255],
);

export const logoAt = `/api/v1/public/images/${'a'.repeat(64)}`;
export const stripesAt = `/api/v1/public/images/${'b'.repeat(64)}`;

/** Answers with these two where a page asks for them. */
export async function servePictures(page: Page): Promise<void> {
  for (const [path, body] of [
    [logoAt, logo],
    [stripesAt, stripes],
  ] as const)
    await page.route(`**${path}`, route => route.fulfill({ contentType: 'image/png', body }));
}
