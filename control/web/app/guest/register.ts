/** "/e/{slug}/register": the form of an event, and the link that comes by mail. */
import { el } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { type PublicEvent, eventBySlug } from '../event/public';
import { Act } from '../form/act';
import { Form, status } from '../form/form';
import { slugOf } from '../ui/api';
import { wear } from '../ui/brand';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageLanguage } from '../ui/language';
import { asApiProblem } from '../ui/refusal';
import { pageTexts } from '../ui/texts';
import { draftIn, fieldsFor, registrationOf, wrongOf } from './asked';
import { type Registration, register } from './calls';
import { draftOf, dropDraft, keepDraft } from './draft';
import { when } from './head';
import { nowhere } from './nowhere';
import { guestTexts } from './texts';
import '../ui/base.css';
import './guest.css';

const pageText = pageTexts();
const t = guestTexts();
const slug = slugOf(location.pathname);
const eventPage = `/e/${encodeURIComponent(slug)}`;
const page = el('div', { class: 'guest' });
document.title = t('register');
frame(pageText, [], page);
fontsAfterPicture();
void load();

async function load(): Promise<void> {
  try {
    const { event } = await eventBySlug(slug);
    document.title = `${t('register')} · ${event.title}`;
    wear(event.brand);
    show(event);
  } catch (thrown) {
    const { status: code } = asProblem(thrown);
    page.replaceChildren(
      nowhere(code === 404 || code === 422 ? t('event.unknown') : undefined, t, () => void load()),
    );
  }
}

function show(event: PublicEvent): void {
  const over = event.state === 'ended' || event.state === 'cancelled';
  const closed = over
    ? t('closed.over')
    : event.access !== 'registration'
      ? t('closed.open')
      : event.registration === 'closed'
        ? t('closed')
        : undefined;
  const words =
    closed === undefined ? form(event) : el('div', { class: 'card' }, el('p', {}, closed), back());
  page.replaceChildren(head(event), words);
}

function head(event: PublicEvent): HTMLElement {
  return el(
    'header',
    { class: 'head' },
    el('p', { class: 'over' }, t('register')),
    el('h1', {}, event.title),
    event.permanent ? null : when(event.startsAt, event.timeZone, t),
  );
}

function back(): HTMLElement {
  return el('div', {}, el('a', { class: 'button', href: eventPage }, t('back')));
}

function form(event: PublicEvent): HTMLElement {
  const fields = fieldsFor(event.form, draftOf(slug), t);
  const full = event.registration === 'waiting-list';
  const act = new Act(t(full ? 'act.waiting' : 'act'), seconds => t('wait', { seconds }));
  const made: Form = new Form(
    fields,
    act,
    n => t('wrong', { n }),
    () => send(event, made),
  );
  made.root.addEventListener('input', () => {
    keepDraft(slug, draftIn(fields));
  });
  const said = new URLSearchParams(location.search).has('again')
    ? t('again.text')
    : full
      ? t('full.text')
      : event.approval
        ? t('approval.text')
        : undefined;
  return el(
    'section',
    { class: 'card', 'aria-label': t('form') },
    said === undefined ? null : el('p', { class: 'said' }, said),
    made.root,
  );
}

async function send(event: PublicEvent, made: Form): Promise<void> {
  const registration = registrationOf(draftIn(made.fields), event.form, pageLanguage());
  if (!navigator.onLine) {
    made.fail(t('offline'));
    addEventListener(
      'online',
      () => {
        made.right();
      },
      { once: true },
    );
    return;
  }
  made.act.begin(t('busy'));
  try {
    const answer = await register(slug, registration);
    made.act.end();
    dropDraft(slug);
    done(event, registration, answer);
  } catch (thrown) {
    made.act.end();
    const problem = asApiProblem(thrown);
    if (problem.kind === 'registration-closed' || problem.status === 404) {
      await load(); // the event is another one by now
      return;
    }
    if (problem.status === 429) {
      const seconds = made.act.wait(problem.more.retryAfterMS, () => {
        made.right();
      });
      made.fail(t('many', { seconds }));
    } else if (!made.refuse(wrongOf(problem, event.form, t))) {
      made.fail(t(problem.kind === 'not-here' ? 'notHere' : problem.fields.length > 0 ? 'changed' : 'away'));
    }
  }
}

/** After it: where the link went, and the way to have it again. */
function done(event: PublicEvent, registration: Registration, answer: 'sent' | 'waiting'): void {
  const heading = el(
    'h2',
    { tabindex: -1 },
    answer === 'sent'
      ? t('sent', { email: registration.email })
      : t(event.approval ? 'waits' : 'waits.place'),
  );
  const said = status();
  const act = new Act(t('again'), seconds => t('wait', { seconds }));
  act.button.className = 'button';
  act.button.type = 'button';
  act.button.addEventListener('click', () => {
    if (!act.busy) void again(registration, act, said);
  });
  page.replaceChildren(
    head(event),
    el(
      'section',
      { class: 'card done' },
      heading,
      el('p', {}, t(answer === 'sent' ? 'sent.text' : 'waits.text', { email: registration.email })),
      el('div', { class: 'actions' }, answer === 'sent' ? act.button : null, said),
    ),
    back(),
  );
  heading.focus();
}

async function again(registration: Registration, act: Act, said: HTMLElement): Promise<void> {
  act.begin(t('busy'));
  try {
    await register(slug, registration);
    act.end();
    said.textContent = t('again.done');
  } catch (thrown) {
    act.end();
    const { status: code, more } = asProblem(thrown);
    said.textContent = t('away');
    if (code === 429) said.textContent = t('many', { seconds: act.wait(more.retryAfterMS) });
  }
}
