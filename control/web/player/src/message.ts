/** Texts of a catalogue, in the part of ICU MessageFormat that is used here: {name} and {name, plural, …}. */

export type Language = 'en' | 'fr';
export type Arguments = Record<string, string | number>;

export const languages: readonly Language[] = ['en', 'fr'];

/** The first of the asked languages that there is a catalogue for, else English. */
export function languageOf(asked: readonly (string | null | undefined)[]): Language {
  for (const tag of asked) {
    const primary = tag?.toLowerCase().split('-')[0];
    const known = languages.find(language => language === primary);
    if (known) return known;
  }
  return 'en';
}

/** Gives the texts of catalogue in one language; numbers and plurals by Intl. */
export function translator<K extends string>(
  catalogue: Readonly<Record<K, string>>,
  language: Language,
): (key: K, values?: Arguments) => string {
  const plurals = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (key, values = {}) => format(catalogue[key], values, plurals, numbers);
}

function format(
  message: string,
  values: Arguments,
  plurals: Intl.PluralRules,
  numbers: Intl.NumberFormat,
  hash?: number,
): string {
  let out = '';
  for (let i = 0; i < message.length; i++) {
    const c = message.charAt(i);
    if (c === '#' && hash !== undefined) {
      out += numbers.format(hash);
      continue;
    }
    if (c !== '{') {
      out += c;
      continue;
    }
    const end = closing(message, i);
    const [name = '', kind, ...rest] = split(message.slice(i + 1, end));
    const value = values[name];
    if (kind === 'plural' && typeof value === 'number') {
      out += format(branch(rest.join(','), value, plurals), values, plurals, numbers, value);
    } else if (typeof value === 'number') {
      out += numbers.format(value);
    } else {
      out += value ?? '';
    }
    i = end;
  }
  return out;
}

/** Where the brace that opens at start closes. */
function closing(message: string, start: number): number {
  let depth = 0;
  for (let i = start; i < message.length; i++) {
    if (message.charAt(i) === '{') depth++;
    if (message.charAt(i) === '}' && --depth === 0) return i;
  }
  throw new SyntaxError(`a brace of ${JSON.stringify(message)} does not close`);
}

/** "n, plural, one {…}" at its first two commas. */
function split(inner: string): string[] {
  const [name = '', kind, ...rest] = inner.split(',');
  return kind === undefined ? [name.trim()] : [name.trim(), kind.trim(), rest.join(',')];
}

/** The text of the branch that value takes: =N before the plural's category before other. */
function branch(branches: string, value: number, plurals: Intl.PluralRules): string {
  const found = new Map<string, string>();
  let at = 0;
  for (let open = branches.indexOf('{'); open >= 0; open = branches.indexOf('{', at)) {
    const end = closing(branches, open);
    found.set(branches.slice(at, open).trim(), branches.slice(open + 1, end));
    at = end + 1;
  }
  return found.get(`=${value}`) ?? found.get(plurals.select(value)) ?? found.get('other') ?? '';
}
