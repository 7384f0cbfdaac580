import { type Arguments, type Language, languageOf, languages, translator } from '@freshet/player/message';
import en from '../i18n/en.json';
import fr from '../i18n/fr.json';

export type Key = keyof typeof en;
export type Text = (key: Key, values?: Arguments) => string;

const storageKey = 'freshet-language';

/** The page's language: ?lang=, then what was chosen before, then the browser's. */
export function pageLanguage(): Language {
  return languageOf([new URLSearchParams(location.search).get('lang'), stored(), ...navigator.languages]);
}

/** The page's texts; sets the language of the document, which the player follows. */
export function pageTexts(): Text {
  const language = pageLanguage();
  document.documentElement.lang = language;
  return translator<Key>(language === 'fr' ? fr : en, language);
}

/** Keeps language for later pages and shows this page in it. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(storageKey, language);
  } catch {
    // Storage is blocked: the address carries it alone.
  }
  const url = new URL(location.href);
  url.searchParams.set('lang', language);
  location.replace(url);
}

export const languageNames: Record<Language, string> = { en: 'English', fr: 'Français' };
export { languages };

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}
