import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/check/en.json';
import fr from '../i18n/check/fr.json';
import { pageLanguage } from '../ui/language';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

export function checkTexts(): Text {
  const language = pageLanguage();
  return translator<Key>(language === 'fr' ? fr : en, language);
}
