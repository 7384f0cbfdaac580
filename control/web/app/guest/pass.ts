/** "/t/{pass}": a guest's own link. Opening it uses nothing up; the press does, and lets the player have sound. */
import { el } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { enter } from '../event/enter';
import { eventBySlug } from '../event/public';
import { keepStay } from '../event/stay';
import { Act } from '../form/act';
import { Form } from '../form/form';
import { slugOf } from '../ui/api';
import { wear } from '../ui/brand';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageLanguage } from '../ui/language';
import { asApiProblem } from '../ui/refusal';
import { pageTexts } from '../ui/texts';
import { type Pass, passOf } from './calls';
import { when } from './head';
import { nowhere } from './nowhere';
import { guestTexts } from './texts';
import '../ui/base.css';
import './guest.css';

const pageText = pageTexts();
const t = guestTexts();
const secret = slugOf(location.pathname);
const page = el('div', { class: 'guest' });
document.title = t('pass');
frame(pageText, [], page);
fontsAfterPicture();
void load();

async function load(): Promise<void> {
  try {
    const pass = await passOf(secret);
    document.title = pass.title;
    show(pass);
    void dress(pass.slug);
  } catch (thrown) {
    const { status } = asProblem(thrown);
    page.replaceChildren(
      nowhere(status === 404 || status === 422 ? t('pass.unknown') : undefined, t, () => void load()),
    );
  }
}

/** In the look of the event, as soon as it is known; without it nothing is missing. */
async function dress(slug: string): Promise<void> {
  try {
    wear((await eventBySlug(slug)).event.brand);
  } catch {
    // The page is Freshet's own.
  }
}

function show(pass: Pass, elsewhere = false): void {
  const { name, title, startsAt, timeZone, over } = pass;
  page.replaceChildren(
    el(
      'header',
      { class: 'head' },
      el('p', { class: 'over' }, name === '' ? t('hello') : t('hello.name', { name })),
      el('h1', {}, title),
      when(startsAt, timeZone, t),
    ),
    over
      ? el('section', { class: 'card' }, el('p', {}, t('closed.over')))
      : el(
          'section',
          { class: 'card', 'aria-label': t('pass') },
          el('p', {}, t(elsewhere ? 'elsewhere' : 'pass.text')),
          form(pass, elsewhere).root,
        ),
  );
}

function form(pass: Pass, elsewhere: boolean): Form {
  const act = new Act(t(elsewhere ? 'here' : 'enter'), seconds => t('wait', { seconds }));
  const made: Form = new Form(
    [],
    act,
    () => '',
    () => come(pass, made, elsewhere),
  );
  return made;
}

async function come(pass: Pass, made: Form, here: boolean): Promise<void> {
  made.act.begin(t('entering'));
  const knock = { pass: secret, language: pageLanguage() };
  try {
    const entry = await enter(pass.slug, here ? { ...knock, here } : knock);
    keepStay(pass.slug, { entry, knock });
    await open(`/e/${encodeURIComponent(pass.slug)}`);
  } catch (thrown) {
    made.act.end();
    const { kind, status, more } = asApiProblem(thrown);
    if (kind === 'pass-in-use') {
      show(pass, true);
      page.querySelector('button')?.focus();
    } else if (status === 429) {
      made.fail(
        t('many', {
          seconds: made.act.wait(more.retryAfterMS, () => {
            made.right();
          }),
        }),
      );
    } else if (status === 401) page.replaceChildren(nowhere(t('pass.unknown'), t, () => void load()));
    else if (status === 404) show({ ...pass, over: true });
    else made.fail(t(kind === 'not-here' ? 'notHere' : 'away'));
  }
}

/** The event's page in place of this one: another load would forget the press, and with it the sound. */
async function open(address: string): Promise<void> {
  history.replaceState(null, '', address);
  document.body.replaceChildren();
  try {
    await import('../event/watch');
  } catch {
    location.reload(); // a newer build took its place
  }
}
