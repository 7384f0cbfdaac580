/** The mark of Freshet, one strand that parts into three, and the strands of an empty stage. */
import { svg } from './dom';

const strands = ['M4 16H12C18 16 18 6 28 6', 'M4 16H28', 'M4 16H12C18 16 18 26 28 26'];

/** The mark, in the colour of the text around it. Decorative: the name stands beside it. */
export function mark(size = 28): SVGSVGElement {
  return svg(
    'svg',
    {
      viewBox: '0 0 32 32',
      width: size,
      height: size,
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 3.2,
      'stroke-linecap': 'round',
      'aria-hidden': 'true',
    },
    ...strands.map(d => svg('path', { d })),
  );
}

/** Delta strands over the whole stage: what stands there while there is no picture. */
export function delta(): SVGSVGElement {
  const paths: SVGPathElement[] = [];
  // One strand parts three times; each child leaves its parent's line and ends at its own height.
  const part = (x: number, y: number, spread: number, depth: number) => {
    const reach = 1600 / 4;
    const ends = depth === 1 ? [y] : [y - spread, y, y + spread];
    for (const end of ends) {
      const to = x + reach;
      paths.push(
        svg('path', {
          d: `M${x} ${y}C${x + reach * 0.55} ${y} ${x + reach * 0.45} ${end} ${to} ${end}`,
          'stroke-width': 2 + depth * 2.5,
          class: depth % 2 === 0 ? 'strand' : 'strand deep',
        }),
      );
      if (depth > 1) part(to, end, spread / 3.1, depth - 1);
    }
  };
  part(0, 450, 300, 4);
  return svg(
    'svg',
    {
      viewBox: '0 0 1600 900',
      preserveAspectRatio: 'xMidYMid slice',
      fill: 'none',
      'stroke-linecap': 'round',
      'aria-hidden': 'true',
      class: 'delta',
    },
    ...paths,
  );
}
