/** What the pages say, by their own catalogues: for journeys that are played in each language. */
import { readFileSync } from 'node:fs';

export type Language = 'en' | 'fr';

/** A text of a catalogue (a folder of app/i18n, '' for the first), with its values filled in. */
export function says(
  language: Language,
  catalogue: string,
  key: string,
  values: Record<string, string> = {},
): string {
  const path = `app/i18n/${catalogue === '' ? '' : `${catalogue}/`}${language}.json`;
  const texts = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  const text = texts[key];
  if (text === undefined) throw new Error(`${path} has no ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
