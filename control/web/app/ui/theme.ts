const storageKey = 'freshet-theme';

export type Theme = 'system' | 'light' | 'dark';

/** The chosen theme; system where none is, or where the browser keeps nothing. */
export function theme(): Theme {
  try {
    const kept = localStorage.getItem(storageKey);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}

/** Shows the page in wanted and keeps the choice. */
export function chooseTheme(wanted: Theme): void {
  try {
    if (wanted === 'system') localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, wanted);
  } catch {
    // It holds for this page only.
  }
  applyTheme(wanted);
}

export function applyTheme(wanted = theme()): void {
  if (wanted === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = wanted;
}
