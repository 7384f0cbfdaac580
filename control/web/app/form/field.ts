/** Inputs of forms on pages without React: a label, a hint, and what is wrong with it. */
import { el, say } from '@freshet/player/dom';
import './form.css';

export type Input = HTMLInputElement | HTMLSelectElement;

export interface Field {
  /** As the API names it. */
  readonly name: string;
  readonly label: string;
  readonly root: HTMLElement;
  readonly input: Input;
  /** Says what is wrong with it; '' takes that back. */
  wrong(text: string): void;
}

interface About {
  name: string;
  label: string;
  hint?: string;
  value?: string;
  required?: boolean;
}

interface AboutText extends About {
  type?: 'text' | 'email' | 'password';
  autocomplete?: string;
  maxlength?: number;
}

/** A line of text. */
export function textField({ type, autocomplete, maxlength, ...about }: AboutText): Field {
  return above(about, el('input', { ...attributes(about), type, autocomplete, maxlength }));
}

export interface Option {
  value: string;
  text: string;
  lang?: string;
}

/** One of options. */
export function selectField(about: About, options: readonly Option[]): Field {
  const select = el('select', { ...attributes(about), autocomplete: 'off' });
  for (const { value, text, lang } of options) select.append(el('option', { value, lang }, text));
  return above(about, select);
}

/** A box to tick; any value ticks it at first. */
export function checkField(about: About): Field {
  const input = el('input', { ...attributes(about), type: 'checkbox' });
  input.checked = (about.value ?? '') !== '';
  const line = el('div', { class: 'line' }, input, el('label', { for: input.id }, about.label));
  return field(about, input, [line]);
}

function attributes({ name, required = true }: About): Record<string, string | undefined> {
  return {
    id: `field-${name}`,
    name,
    'aria-required': required ? 'true' : undefined,
    'aria-describedby': `field-${name}-hint field-${name}-wrong`,
  };
}

/** With its label above it. */
function above(about: About, input: Input): Field {
  input.value = about.value ?? '';
  return field(about, input, [el('label', { for: input.id }, about.label), input]);
}

function field({ name, label, hint = '' }: About, input: Input, parts: HTMLElement[]): Field {
  const wrong = el('p', { id: `${input.id}-wrong`, class: 'wrong small' });
  const root = el(
    'div',
    { class: 'entry' },
    ...parts,
    el('p', { id: `${input.id}-hint`, class: 'muted small' }, hint),
    wrong,
  );
  return {
    name,
    label,
    root,
    input,
    wrong: text => {
      say(wrong, text);
      if (text === '') input.removeAttribute('aria-invalid');
      else input.setAttribute('aria-invalid', 'true');
    },
  };
}
