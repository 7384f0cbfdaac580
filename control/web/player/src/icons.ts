/** The player's own drawings: 24 by 24, two units wide, in the colour of the text. */
import { svg } from './dom';

const paths = {
  play: ['M8 5.5v13l11-6.5z'],
  pause: ['M7 5.5h2v13H7z', 'M15 5.5h2v13h-2z'],
  sound: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M15.5 9a4.2 4.2 0 0 1 0 6', 'M18 6.5a7.8 7.8 0 0 1 0 11'],
  muted: ['M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M16 9.5l5 5', 'M21 9.5l-5 5'],
  full: ['M4 9V4h5', 'M15 4h5v5', 'M20 15v5h-5', 'M9 20H4v-5'],
  small: ['M9 4v5H4', 'M20 9h-5V4', 'M15 20v-5h5', 'M4 15h5v5'],
  picture: ['M4 5.5h16v13H4z', 'M12.5 12.5h5v3.5h-5z'],
  details: ['M5 19v-6', 'M12 19V5', 'M19 19v-9'],
  keys: ['M3.5 6.5h17v11h-17z', 'M7 10.5h.01', 'M11 10.5h.01', 'M15 10.5h.01', 'M8 14h8'],
  again: ['M19.5 12a7.5 7.5 0 1 1-2.2-5.3', 'M19.5 3.5v4h-4'],
  copy: ['M9 9h10.5v10.5H9z', 'M15 9V4.5H4.5V15H9'],
  warn: ['M12 4.5L21 19.5H3z', 'M12 10v4.5', 'M12 17h.01'],
  clock: ['M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 0 1 0-17', 'M12 7.5V12l3 2'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
} as const;

export type Icon = keyof typeof paths;

/** A drawing. Decorative: its button has a name. */
export function icon(name: Icon): SVGSVGElement {
  return svg(
    'svg',
    {
      viewBox: '0 0 24 24',
      width: 24,
      height: 24,
      fill: name === 'play' || name === 'pause' ? 'currentColor' : 'none',
      stroke: 'currentColor',
      'stroke-width': 2,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
      'aria-hidden': 'true',
      class: 'icon',
    },
    ...paths[name].map(d => svg('path', { d })),
  );
}
