import { type Arguments, translator } from '@freshet/player/message';
import en from '../i18n/docs/en.json';
import fr from '../i18n/docs/fr.json';
import { pageLanguage } from '../ui/language';

type Key = keyof typeof en;

/** The texts of this page alone: the watch page carries none of them. */
export function docsTexts(): (key: Key, values?: Arguments) => string {
  const language = pageLanguage();
  return translator<Key>(language === 'fr' ? fr : en, language);
}
