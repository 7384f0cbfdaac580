/** The keyboard: which key does what, the list of keys, and switching single letters off (WCAG 2.1.4). */
import { el, onPress } from './dom';
import { icon } from './icons';
import { type Text } from './texts';

export type Act = 'play' | 'mute' | 'louder' | 'quieter' | 'full' | 'picture' | 'details' | 'list';

const storageKey = 'freshet-letters';

/** What a key means, or undefined. Pure. */
export function actOf(key: string, letters: boolean): Act | undefined {
  switch (key) {
    case ' ':
      return 'play';
    case 'ArrowUp':
      return 'louder';
    case 'ArrowDown':
      return 'quieter';
  }
  if (!letters) return undefined;
  switch (key.toLowerCase()) {
    case 'k':
      return 'play';
    case 'm':
      return 'mute';
    case 'f':
      return 'full';
    case 'p':
      return 'picture';
    case 'd':
      return 'details';
    case '?':
      return 'list';
  }
  return undefined;
}

/** Whether a key that is held down acts again and again: of play, each time would be a session of its own. Pure. */
export function repeats(act: Act): boolean {
  return act === 'louder' || act === 'quieter';
}

/** Whether the person types, or works a control that needs the key itself. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest('dialog')) return true;
  // Arrows scroll what has a scroll bar of its own, as the details have on a small screen.
  if (event.key.startsWith('Arrow') && target.closest('.panel')) return true;
  const { tagName } = target;
  if (tagName === 'TEXTAREA' || tagName === 'SELECT') return true;
  if (tagName === 'INPUT')
    return (target as HTMLInputElement).type !== 'range' || event.key.startsWith('Arrow');
  // Space and Enter press whatever has the focus.
  return event.key === ' ' && (tagName === 'BUTTON' || tagName === 'A' || tagName === 'SUMMARY');
}

/** Whether single letters act. */
export function lettersOn(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off';
  } catch {
    return true; // storage is blocked in some embeds
  }
}

function setLetters(on: boolean): void {
  try {
    if (on) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, 'off');
  } catch {
    // Nothing to keep it in: it holds for this list's life only.
  }
}

/** The list of keys, as a dialog that takes itself away. */
export function keyList(t: Text): HTMLDialogElement {
  const rows: [string[], string][] = [
    [[t('keys.space'), 'K'], t('keys.play')],
    [['M'], t('keys.mute')],
    [['↑', '↓'], t('keys.volume')],
    [['F'], t('keys.full')],
    [['P'], t('keys.picture')],
    [['D'], t('keys.details')],
    [['?'], t('keys.list')],
  ];
  const list = el('dl', { class: 'keys' });
  for (const [names, meaning] of rows) {
    list.append(
      el('div', {}, el('dt', {}, ...names.map(name => el('kbd', {}, name))), el('dd', {}, meaning)),
    );
  }
  const letters = el('input', { type: 'checkbox' });
  letters.checked = lettersOn();
  letters.addEventListener('change', () => {
    setLetters(letters.checked);
  });
  const title = el('h2', { id: 'keys-title' }, t('keys'));
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'keys-title' },
    title,
    list,
    el('label', {}, letters, t('keys.use')),
  );
  dialog.append(
    onPress(el('button', { type: 'button', class: 'plain' }, icon('close'), t('keys.close')), () => {
      dialog.close();
    }),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
  });
  return dialog;
}
