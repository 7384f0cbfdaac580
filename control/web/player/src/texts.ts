import en from '../i18n/en.json';
import fr from '../i18n/fr.json';
import { type Arguments, type Language, translator } from './message';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

/** The player's texts in one language. */
export function textsOf(language: Language): Text {
  return translator<Key>(language === 'fr' ? fr : en, language);
}
