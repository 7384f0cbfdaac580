/** The field for the number of an event, which leads to its page. */
import { el, say } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { eventByNumber } from '../event/public';
import { inThrees, readNumber } from './number';
import { type Text } from './texts';
import './form.css';

/** Wait after "too many" where the answer does not say how long. */
const waitMS = 5000;

export function numberForm(t: Text): HTMLFormElement {
  const input = el('input', {
    id: 'number',
    inputmode: 'numeric',
    autocomplete: 'off',
    enterkeyhint: 'go',
    required: true,
    'aria-describedby': 'number-hint number-problem',
  });
  const problem = el('p', { id: 'number-problem', class: 'wrong small', role: 'alert' });
  const button = el('button', { class: 'button main' }, t('join'));
  const form = el(
    'form',
    { class: 'number', novalidate: true },
    el('label', { for: 'number' }, t('number')),
    el('div', { class: 'row' }, input, button),
    el('p', { id: 'number-hint', class: 'muted small' }, t('hint')),
    problem,
  );
  let busy = false;

  const wrong = (text: string) => {
    say(problem, text);
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  };
  const right = () => {
    say(problem, '');
    input.removeAttribute('aria-invalid');
  };

  /** Nothing is asked before the wait is over; the button says how long that is. */
  const wait = (ms: number) => {
    const until = performance.now() + ms;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      busy = left > 0;
      button.setAttribute('aria-disabled', String(busy));
      say(button, busy ? t('wait', { seconds: left }) : t('join'));
      if (busy) setTimeout(tick, 250);
      else right();
    };
    tick();
  };

  const join = async () => {
    const reading = readNumber(input.value);
    if (reading.is !== 'number') {
      wrong(reading.is === 'letters' ? t('problem.letters') : t('problem.digits', { n: reading.n }));
      return;
    }
    right();
    busy = true;
    say(button, t('joining'));
    try {
      const { event } = await eventByNumber(reading.number);
      location.assign(`/e/${encodeURIComponent(event.slug)}`);
      return;
    } catch (thrown) {
      const { status, more } = asProblem(thrown);
      if (status === 429) {
        const ms = Math.max(more.retryAfterMS ?? waitMS, 1000);
        wrong(t('problem.many', { seconds: Math.ceil(ms / 1000) }));
        wait(ms);
        return;
      }
      wrong(t(status === 404 || status === 422 ? 'problem.unknown' : 'problem.away'));
    }
    busy = false;
    say(button, t('join'));
  };

  input.addEventListener('input', () => {
    // Only what is typed at the end: elsewhere the caret would jump.
    if (input.selectionStart === input.value.length) {
      const apart = inThrees(input.value);
      if (apart !== input.value) input.value = apart;
    }
    if (!busy) right();
  });
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (!busy) void join();
  });
  // Back from the event, out of the browser's page cache: it looks no more.
  addEventListener('pageshow', event => {
    if (!event.persisted) return;
    busy = false;
    say(button, t('join'));
  });
  return form;
}
