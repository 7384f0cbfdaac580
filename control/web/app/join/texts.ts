import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/join/en.json';
import fr from '../i18n/join/fr.json';
import { pageLanguage } from '../ui/language';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

/** The texts of the number field: the watch page carries none of them. */
export function joinTexts(): Text {
  const language = pageLanguage();
  return translator<Key>(language === 'fr' ? fr : en, language);
}
