import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/en.json';
import fr from '../i18n/fr.json';
import { pageLanguage } from './language';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

/** The page's texts; sets the language of the document, which the player follows. */
export function pageTexts(): Text {
  const language = pageLanguage();
  document.documentElement.lang = language;
  return translator<Key>(language === 'fr' ? fr : en, language);
}
