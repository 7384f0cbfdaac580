import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/visit/en.json';
import fr from '../i18n/visit/fr.json';
import { pageLanguage } from '../ui/language';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

/** The texts of what is around a live event, which whoever watches never loads. */
export function visitTexts(): Text {
  const language = pageLanguage();
  return translator<Key>(language === 'fr' ? fr : en, language);
}
