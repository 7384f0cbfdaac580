import { useMe } from './me';
import { useWords, type Words } from './words';

/** The locale in which the pages write moments: 24 Nov 2026, 14:05; 24 nov. 2026, 14 h 05 in Canada, else 14:05. */
export function localeOf(
  language: Words['language'],
  asked: readonly string[] = navigator.languages,
): string {
  if (language === 'en') return 'en-GB';
  return asked.find(tag => tag.startsWith('fr')) === 'fr-CA' ? 'fr-CA' : 'fr-FR';
}

/** Writes moments in the page's language and the person's time zone. */
export function useWhen(): (moment: string | number) => string {
  const { language } = useWords();
  const { timeZone } = useMe();
  const format = new Intl.DateTimeFormat(localeOf(language), {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone,
  });
  return moment => format.format(new Date(moment));
}
