import { el, onPress, say } from '@freshet/player/dom';
import { type Text } from './texts';

/** How long a button says that it has copied. */
const copiedForMS = 2000;

/** A text with a button that copies it. name says to readers what is copied. */
export function copyField(value: string, name: string, t: Text): HTMLElement {
  const code = el('code', { tabindex: 0, 'aria-label': `${name}: ${value}` }, value);
  return el(
    'div',
    { class: 'copy' },
    code,
    copyButton(() => value, t('copy'), t, t('copy.named', { name })),
  );
}

/** A button that copies what value answers, and says so for a moment. */
export function copyButton(value: () => string, label: string, t: Text, name = label): HTMLButtonElement {
  const button = el(
    'button',
    { type: 'button', class: 'button', 'aria-label': name === label ? undefined : name },
    label,
  );
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value());
    } catch {
      say(button, t('copy.refused')); // not allowed, or no clipboard: pages without TLS have none
      return;
    }
    say(button, t('copy.done'));
    setTimeout(() => {
      say(button, label);
    }, copiedForMS);
  };
  return onPress(button, () => void copy());
}
