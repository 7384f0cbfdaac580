import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/guest/en.json';
import fr from '../i18n/guest/fr.json';
import { pageLanguage } from '../ui/language';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

/** The texts of the pages on which somebody becomes a guest, comes as one, and stops mails. */
export function guestTexts(): Text {
  const language = pageLanguage();
  return translator<Key>(language === 'fr' ? fr : en, language);
}
