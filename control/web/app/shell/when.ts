import { localeOf } from '../ui/language';
import { useMe } from './me';
import { useWords } from './words';

export { localeOf };

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
