/** What stands around every page: skip link, top bar, foot. */
import { el } from '@freshet/player/dom';
import { mark } from '@freshet/player/mark';
import { chooseLanguage, languageNames, languages, pageLanguage } from './language';
import { type Text } from './texts';
import { type Theme, applyTheme, chooseTheme, theme } from './theme';

/** Builds the page: inTop stands beside the mark, main holds what the page is for. */
export function frame(t: Text, inTop: HTMLElement[], ...main: HTMLElement[]): void {
  applyTheme();
  const home = el('a', { class: 'home', href: '/', 'aria-label': t('frame.home') }, mark());
  if (!inTop.some(({ localName }) => localName === 'h1')) home.append(el('span', {}, 'Freshet'));
  document.body.append(
    el('a', { class: 'skip button', href: '#main' }, t('frame.skip')),
    el('header', { class: 'top' }, home, ...inTop),
    el('main', { id: 'main', class: 'page', tabindex: -1 }, ...main),
    el(
      'footer',
      { class: 'foot' },
      el('span', {}, t('frame.foot')),
      el('div', { class: 'choices' }, themes(t), tongues(t)),
    ),
  );
}

function tongues(t: Text): HTMLElement {
  const select = el('select', { autocomplete: 'off' });
  for (const language of languages) {
    select.append(el('option', { value: language, lang: language }, languageNames[language]));
  }
  select.value = pageLanguage();
  select.addEventListener('change', () => {
    chooseLanguage(languages.find(language => language === select.value) ?? 'en');
  });
  return el('label', {}, t('frame.language'), select);
}

function themes(t: Text): HTMLElement {
  const select = el('select', { autocomplete: 'off' });
  const names: Record<Theme, string> = {
    system: t('frame.theme.system'),
    light: t('frame.theme.light'),
    dark: t('frame.theme.dark'),
  };
  for (const [value, name] of Object.entries(names)) select.append(el('option', { value }, name));
  select.value = theme();
  select.addEventListener('change', () => {
    chooseTheme(select.value as Theme);
  });
  return el('label', {}, t('frame.theme'), select);
}
