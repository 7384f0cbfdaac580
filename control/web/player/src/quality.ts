/** The choice of quality: what the edge offers, as a select. */
import { el } from './dom';
import { type Layer, type Layers } from './layers';
import { type Text } from './texts';

/** What a viewer wants: null leaves it to the edge. */
export type Wanted = { rid: string } | 'audio' | null;

/** The name of a layer: its height, else its rid; where two have one height, both. */
export function nameOf(layer: Layer, all: readonly Layer[]): string {
  if (layer.height === 0) return layer.rid;
  const twins = all.filter(other => other.height === layer.height).length > 1;
  return twins ? `${String(layer.height)}p, ${layer.rid}` : `${String(layer.height)}p`;
}

/** The choices, as value and name, in the order they are shown. height is that of the picture now, 0 without one. */
export function optionsOf(offer: Layers | undefined, height: number, t: Text): [string, string][] {
  const layers = offer?.layers ?? [];
  const auto = height > 0 ? t('quality.autoNow', { height: String(height) }) : t('quality.auto');
  const options: [string, string][] = [['auto', auto]];
  // One layer alone is no choice.
  if (layers.length > 1)
    for (const layer of layers) options.push([`rid:${layer.rid}`, nameOf(layer, layers)]);
  if (layers.length > 0) options.push(['audio', t('quality.audio')]);
  return options;
}

/** Fills select, and leaves it alone where nothing changed, so that an open list stays open. */
export function fill(
  select: HTMLSelectElement,
  offer: Layers | undefined,
  height: number,
  wanted: Wanted,
  t: Text,
): void {
  const options = optionsOf(offer, height, t);
  const now = options.map(option => option.join('\t')).join('\n');
  if (select.dataset['options'] !== now) {
    select.dataset['options'] = now;
    select.replaceChildren(...options.map(([value, name]) => el('option', { value }, name)));
  }
  const value = valueOf(wanted);
  if (select.value !== value) select.value = value;
  select.hidden = options.length < 2;
}

function valueOf(wanted: Wanted): string {
  if (wanted === null) return 'auto';
  return wanted === 'audio' ? 'audio' : `rid:${wanted.rid}`;
}

/** What an option's value asks for. */
export function wantedOf(value: string): Wanted {
  if (value === 'audio') return 'audio';
  return value.startsWith('rid:') ? { rid: value.slice(4) } : null;
}
