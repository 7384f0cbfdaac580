import { type Language, languageOf, languages } from '@freshet/player/message';

const storageKey = 'freshet-language';

/** The page's language: ?lang=, then what was chosen before, then the browser's. */
export function pageLanguage(): Language {
  return languageOf([new URLSearchParams(location.search).get('lang'), stored(), ...navigator.languages]);
}

/** Keeps language for later pages. */
export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(storageKey, language);
  } catch {
    // Storage is blocked: the address carries it alone.
  }
}

/** Keeps language for later pages and shows this page in it. */
export function chooseLanguage(language: Language): void {
  keepLanguage(language);
  const url = new URL(location.href);
  url.searchParams.set('lang', language);
  location.replace(url);
}

/** The locale in which the pages write moments: 24 Nov 2026, 14:05; 24 nov. 2026, 14 h 05 in Canada, else 14:05. */
export function localeOf(language: Language, asked: readonly string[] = navigator.languages): string {
  if (language === 'en') return 'en-GB';
  return asked.find(tag => tag.startsWith('fr')) === 'fr-CA' ? 'fr-CA' : 'fr-FR';
}

export const languageNames: Record<Language, string> = { en: 'English', fr: 'Français' };
export { type Language, languages };

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}
