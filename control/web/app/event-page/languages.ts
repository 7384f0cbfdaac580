import { type Choice } from '../ui/Select';
import { languageName } from './event';

// BCP 47: what conferences are held in most, and the variants that are asked for.
const common =
  'ar bg bn ca cs da de el en es et eu fa fi fr fr-CA ga gl he hi hr hu hy id is it ja ka kk ko lt lv mk ms mt nb nl pl ' +
  'pt pt-BR ro ru sk sl sq sr sv sw ta th tl tr uk ur vi zh zh-Hant';

/** Languages by their name in language: common ones, and those that were chosen with another tool. */
export function languageChoices(language: string, chosen: readonly string[]): Choice[] {
  const all = new Set([...common.split(' '), ...chosen.filter(tag => tag !== '')]);
  return [...all]
    .map(value => ({ value, name: languageName(value, language) }))
    .sort((a, b) => a.name.localeCompare(b.name, language));
}
