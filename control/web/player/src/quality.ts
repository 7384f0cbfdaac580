/** The choice of quality: what the edge offers, as a select. */
import { el } from './dom';
import { type Units } from './describe';
import { type Layer, type Layers } from './layers';
import { type Text } from './texts';

/** What a viewer wants: null leaves it to the edge. */
export type Wanted = { rid: string } | 'audio' | null;

/** The name of a layer: its height where known, else its rid; two of one height are told apart by bitrate. */
export function nameOf(layer: Layer, all: readonly Layer[], units: Units): string {
  if (layer.height === 0) return layer.rid;
  const twins = all.filter(other => other.height === layer.height).length > 1;
  const name = `${String(layer.height)}p`;
  return twins && layer.bitrateBPS > 0 ? `${name}, ${units.bitrate(layer.bitrateBPS)}` : name;
}

/** Fills select, and leaves it alone where nothing changed, so that an open list stays open. */
export function fill(
  select: HTMLSelectElement,
  offer: Layers | undefined,
  wanted: Wanted,
  t: Text,
  units: Units,
): void {
  const layers = offer?.layers ?? [];
  const playing = layers.find(layer => layer.rid === offer?.current);
  const auto =
    playing && playing.height > 0 && layers.length > 1
      ? t('quality.autoNow', { height: String(playing.height) })
      : t('quality.auto');
  const options: [string, string][] = [['auto', auto]];
  if (layers.length > 1)
    for (const layer of layers) options.push([`rid:${layer.rid}`, nameOf(layer, layers, units)]);
  if (offer) options.push(['audio', t('quality.audio')]);
  const value = wanted === null ? 'auto' : wanted === 'audio' ? 'audio' : `rid:${wanted.rid}`;

  const now = options.map(option => option.join('\t')).join('\n');
  if (select.dataset['options'] !== now) {
    select.dataset['options'] = now;
    select.replaceChildren(...options.map(([v, name]) => el('option', { value: v }, name)));
  }
  if (select.value !== value) select.value = value;
  select.hidden = offer === undefined;
}

/** What an option's value asks for. */
export function wantedOf(value: string): Wanted {
  if (value === 'audio') return 'audio';
  return value.startsWith('rid:') ? { rid: value.slice(4) } : null;
}
