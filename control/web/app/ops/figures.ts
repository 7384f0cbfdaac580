/** Figures as the ops console writes them. */
import { localeOf } from '../ui/language';
import { useWords } from '../shell/words';

export interface Figures {
  number: (n: number) => string;
  share: (n: number) => string;
  /** One decimal below ten. */
  short: (n: number) => string;
}

export function useFigures(): Figures {
  const locale = localeOf(useWords().language);
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  return {
    number: n => whole.format(n),
    share: n => share.format(n),
    short: n => (Math.abs(n) < 10 ? tenth : whole).format(n),
  };
}
