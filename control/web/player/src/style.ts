import tokens from '../tokens.css?inline';
import rules from './style.css?inline';

/**
 * The sheets of one player: its rules, and the tokens where its page has none of its own. Constructed sheets
 * are no inline style, so the strictest content security policy allows them.
 */
export function styleSheets(host: HTMLElement): CSSStyleSheet[] {
  const sheets = [sheet(rules)];
  if (getComputedStyle(host).getPropertyValue('--f-melt') === '') {
    sheets.unshift(sheet(tokens.replaceAll(':root', ':host')));
  }
  return sheets;
}

function sheet(text: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}
