/** What a visitor sees where nothing plays: before an event, after it, and in place of it. */
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
  readonly root = el('article', { class: 'event' });
  readonly #locale = localeOf(pageLanguage());
  /** Told to those who do not see the screen when it changes; the seconds are not. */
  readonly #status = el('p', { class: 'muted', role: 'status' });
  #label = el('p', { class: 'label' });
  #figure = el('p', { class: 'left figure' });
  #event: PublicEvent | undefined;
  #drawn = '';
  #skew = 0;
  #away = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly t: Text,
    private readonly pageText: PageText,
  ) {}

  /** Shows event; what has not changed is left as it is, so that focus and selection stay. */
  show(event: PublicEvent, skew: number): void {
    this.#skew = skew;
    this.#event = event;
    const drawn = JSON.stringify(event);
    if (drawn !== this.#drawn) this.#draw(event);
    this.#drawn = drawn;
    this.#tick();
  }

  /** Says that nobody answers, or no longer does so. */
  away(away: boolean): void {
    this.#away = away;
    this.#count();
  }

  /** Ends the countdown. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  #draw(event: PublicEvent): void {
    const { t } = this;
    const state = event.state ?? 'scheduled';
    const waits = state !== 'ended' && state !== 'cancelled';
    const dated = !event.permanent && event.startsAt > 0;
    this.#label = el('p', { class: 'label' });
    this.#figure = el('p', { class: 'left figure', role: 'timer' });
    const head = el(
      'header',
      { class: 'head' },
      el('p', { class: `badge ${state}` }, t(`state.${state}`)),
      el('h1', {}, event.title),
      dated ? this.#when(event) : null,
    );
    const words = waits
      ? el('div', { class: 'wait' }, this.#label, this.#figure, this.#status)
      : el(
          'div',
          { class: 'wait over' },
          el('p', { class: 'left' }, t(state)),
          el(
            'p',
            { class: 'muted' },
            state === 'ended' ? t('ended.text', { title: event.title }) : t(`${state}.text`),
          ),
        );
    const actions = el(
      'div',
      { class: 'actions' },
      waits && dated
        ? el('a', { class: 'button main', href: calendarOf(event.slug), download: true }, t('calendar'))
        : null,
      copyButton(() => event.link || location.href, t('copyLink'), this.pageText),
    );
    const first = el('div', { class: 'column' }, head, words, actions);
    const more = [
      waits && event.lobby !== '' ? this.#part('message', event.lobby, 'lobby') : null,
      event.description === '' ? null : this.#part('about', event.description),
      waits && event.agenda.length > 0 ? this.#agenda(event) : null,
      this.#facts(event),
    ];
    this.root.replaceChildren(first, el('div', { class: 'column' }, ...more));
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
    const opens = t(event.state === 'preparation' ? 'opens.preparation' : 'opens');
    if (event.state === 'live') {
      this.#say('', t('due'), opens);
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
  }
}

function waitsIn(state: State | undefined): boolean {
  return state !== 'ended' && state !== 'cancelled';
}
