/** What a visitor sees where nothing plays: before an event, after it, at its door, and in place of it. */
import { el, say } from '@freshet/player/dom';
import { copyButton } from '../ui/copy';
import { localeOf, pageLanguage } from '../ui/language';
import { type Text as PageText } from '../ui/texts';
import { dateOf, languageList, timeIn, zoneName } from './dates';
import { type PublicEvent, type State, calendarOf } from './public';
import { type Text } from './texts';
import { distanceOf } from './waiting';
import './page.css';

export class EventPage {
  readonly root: HTMLElement;
  /** Where the door or the lobby stands: it is never moved, so that what is typed and where the focus is stay. */
  readonly slot = el('div', { class: 'slot' });
  readonly #head = el('header', { class: 'head' });
  readonly #wait = el('div', { class: 'wait' });
  readonly #actions = el('div', { class: 'actions' });
  readonly #message = el('div');
  readonly #more = el('div', { class: 'column more' });
  readonly #locale = localeOf(pageLanguage());
  readonly #label = el('p', { class: 'label' });
  readonly #figure = el('p', { class: 'left figure', role: 'timer' });
  /** Told to those who do not see the screen when it changes; the seconds are not. */
  readonly #status = el('p', { class: 'muted', role: 'status' });
  readonly #age = el('p', { class: 'muted small figure age', hidden: true });
  #event: PublicEvent | undefined;
  #inside = false;
  #drawn = '';
  #skew = 0;
  #away = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly t: Text,
    private readonly pageText: PageText,
  ) {
    this.root = el(
      'article',
      { class: 'event' },
      el('div', { class: 'column first' }, this.#head, this.#wait, this.#age),
      el('div', { class: 'column side' }, this.slot, this.#message, this.#actions),
      this.#more,
    );
  }

  /** Shows event, to somebody who came in or not; what has not changed is left as it is. */
  show(event: PublicEvent, skew: number, inside: boolean): void {
    this.#skew = skew;
    this.#event = event;
    this.#inside = inside;
    const drawn = JSON.stringify([event, inside]);
    if (drawn !== this.#drawn) this.#draw(event);
    this.#drawn = drawn;
    this.#tick();
  }

  /** Says that nobody answers, or no longer does so. */
  away(away: boolean): void {
    this.#away = away;
    this.#count();
  }

  /** Says how old is what is shown; nothing where it is not. */
  old(ms: number): void {
    this.#age.hidden = ms === 0;
    say(this.#age, ms === 0 ? '' : this.t('age', { seconds: Math.floor(ms / 1000) }));
  }

  /** Ends the countdown. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  #draw(event: PublicEvent): void {
    const { t } = this;
    const state = event.state ?? 'scheduled';
    const over = state === 'ended' || state === 'cancelled' ? state : undefined;
    const waits = over === undefined;
    const dated = !event.permanent && event.startsAt > 0;
    this.#head.replaceChildren(
      el('p', { class: `badge ${state}` }, t(`state.${state}`)),
      el('h1', {}, event.title),
      ...(dated ? [this.#when(event)] : []),
    );
    this.#wait.classList.toggle('over', !waits);
    this.root.classList.toggle('over', !waits);
    if (over === undefined) this.#wait.replaceChildren(this.#label, this.#figure, this.#status);
    else {
      this.#wait.replaceChildren(
        el('p', { class: 'left' }, t(over)),
        el(
          'p',
          { class: 'muted' },
          over === 'ended' ? t('ended.text', { title: event.title }) : t(`${over}.text`),
        ),
      );
    }
    this.#actions.replaceChildren(
      ...(waits && dated && state !== 'live'
        ? [el('a', { class: 'button', href: calendarOf(event.slug), download: true }, t('calendar'))]
        : []),
      copyButton(() => event.link || location.href, t('copyLink'), this.pageText),
    );
    this.#message.hidden = !waits || !this.#inside || event.lobby === '';
    this.#message.replaceChildren(this.#part('message', event.lobby, 'lobby'));
    this.#more.replaceChildren(
      ...[
        event.description === '' ? null : this.#part('about', event.description),
        waits && event.agenda.length > 0 ? this.#agenda(event) : null,
        this.#facts(event),
      ].filter(part => part !== null),
    );
  }

  /** In the event's own zone, and in the visitor's where its clocks show another time. */
  #when(event: PublicEvent): HTMLElement {
    const { t } = this;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const write = (zone: string) =>
      dateOf(event.startsAt, event.endsAt, zone, this.#locale, (from, to) => t('when', { from, to }));
    const [there, here] = [write(event.timeZone), write(own)];
    const at = new Date(event.startsAt).toISOString();
    return el(
      'div',
      { class: 'when' },
      el('p', { class: 'date' }, el('time', { datetime: at }, there)),
      there === here
        ? null
        : el('p', { class: 'muted small' }, t('when.zone', { zone: zoneName(event.timeZone) })),
      there === here ? null : el('p', { class: 'yours' }, t('when.yours', { when: here })),
    );
  }

  #part(name: 'message' | 'about', text: string, look = ''): HTMLElement {
    return el(
      'section',
      { class: `card ${look}`.trim(), 'aria-labelledby': name },
      el('h2', { id: name }, this.t(name)),
      el('p', { class: 'text' }, text),
    );
  }

  #agenda({ agenda, startsAt, timeZone, permanent }: PublicEvent): HTMLElement {
    const time = timeIn(timeZone, this.#locale);
    const items = agenda.map(({ at, title, text }) => {
      const ms = startsAt + at * 60_000;
      return el(
        'li',
        {},
        permanent
          ? null
          : el('time', { class: 'figure muted', datetime: new Date(ms).toISOString() }, time.format(ms)),
        el(
          'div',
          {},
          el('p', { class: 'item' }, title),
          text === '' ? null : el('p', { class: 'muted small text' }, text),
        ),
      );
    });
    return el(
      'section',
      { class: 'card', 'aria-labelledby': 'agenda' },
      el('h2', { id: 'agenda' }, this.t('agenda')),
      el('ol', { class: 'agenda', role: 'list' }, ...items),
    );
  }

  #facts({ languages, number }: PublicEvent): HTMLElement | null {
    const { t } = this;
    const rows: [string, string][] = [];
    if (languages.length > 0) {
      rows.push([t('languages'), languageList(languages, this.#locale)]);
    }
    if (number !== '') rows.push([t('number'), number.replace(/(\d{3})(?=\d)/g, '$1 ')]);
    if (rows.length === 0) return null;
    return el(
      'dl',
      { class: 'facts' },
      ...rows.map(([name, value]) =>
        el('div', {}, el('dt', { class: 'muted small' }, name), el('dd', { class: 'figure' }, value)),
      ),
    );
  }

  /** Counts down, at each full second. */
  #tick(): void {
    clearTimeout(this.#timer);
    if (!waitsIn(this.#event?.state)) return;
    const left = this.#count();
    this.#timer = setTimeout(
      () => {
        this.#tick();
      },
      left === undefined ? 1000 : (((left % 1000) + 1000) % 1000) + 5,
    );
  }

  #count(): number | undefined {
    const event = this.#event;
    if (!event || !waitsIn(event.state)) return undefined;
    const { t } = this;
    const opens = this.#inside
      ? t(event.state === 'preparation' ? 'opens.preparation' : 'opens')
      : t('opens.door');
    // The door says that it is on the air.
    this.#wait.hidden = event.state === 'live' && !this.#inside && !this.#away;
    if (event.state === 'live') {
      this.#say('', this.#inside ? t('due') : '', this.#inside ? opens : '');
      return undefined;
    }
    if (event.permanent || event.startsAt === 0) {
      this.#say(t('permanent'), '', opens);
      return undefined;
    }
    const left = event.startsAt - (Date.now() + this.#skew);
    const distance = distanceOf(left);
    switch (distance.is) {
      case 'days':
        this.#say(t('starts'), t('starts.days', { days: distance.days, hours: distance.hours }), opens);
        break;
      case 'hours':
        this.#say(
          t('starts'),
          t('starts.hours', { hours: distance.hours, minutes: distance.minutes }),
          opens,
        );
        break;
      case 'minutes':
        this.#say(t('starts'), distance.clock, opens);
        break;
      case 'due':
        this.#say('', t('due'), opens);
        break;
      case 'late':
        this.#say(t('late.text', { minutes: distance.minutes }), t('late'), opens);
        break;
    }
    return left;
  }

  #say(label: string, figure: string, status: string): void {
    say(this.#label, label);
    say(this.#figure, figure);
    say(this.#status, this.#away ? this.t('away') : status);
    this.#label.hidden = label === '';
    this.#figure.hidden = figure === '';
    this.#status.hidden = this.#status.textContent === '';
  }
}

function waitsIn(state: State | undefined): boolean {
  return state !== 'ended' && state !== 'cancelled';
}
