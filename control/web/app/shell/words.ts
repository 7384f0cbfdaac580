/** The texts of the pages behind the shell: a catalogue of their own, of which only the page's language is loaded. */
import { createContext, use } from 'react';
import { type Arguments, type Language, translator } from '@freshet/player/message';
import type fr from '../i18n/account/fr.json';

export type Key = keyof typeof fr;
export type T = (key: Key, values?: Arguments) => string;

export interface Words {
  t: T;
  language: Language;
}

export async function loadWords(language: Language): Promise<Words> {
  const catalogue =
    language === 'fr' ? await import('../i18n/account/fr.json') : await import('../i18n/account/en.json');
  return { t: translator<Key>(catalogue.default, language), language };
}

export const WordsContext = createContext<Words | undefined>(undefined);

export function useWords(): Words {
  const words = use(WordsContext);
  if (!words) throw new Error('no words around this component');
  return words;
}

export function useT(): T {
  return useWords().t;
}
