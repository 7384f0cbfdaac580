/** "/unsubscribe/{token}": stops mails, by a press: mail programs open links by themselves. */
import { el } from '@freshet/player/dom';
import { asProblem } from '@freshet/player/problem';
import { Act } from '../form/act';
import { Form } from '../form/form';
import { slugOf } from '../ui/api';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageTexts } from '../ui/texts';
import { type Stop, stop, stopOf } from './calls';
import { nowhere } from './nowhere';
import { guestTexts } from './texts';
import '../ui/base.css';
import './guest.css';

const pageText = pageTexts();
const t = guestTexts();
const token = slugOf(location.pathname);
const page = el('div', { class: 'guest' });
document.title = t('stop');
frame(pageText, [], page);
fontsAfterPicture();
void load();

async function load(): Promise<void> {
  try {
    show(await stopOf(token));
  } catch (thrown) {
    const { status } = asProblem(thrown);
    page.replaceChildren(
      nowhere(status === 404 || status === 422 ? t('stop.unknown') : undefined, t, () => void load()),
    );
  }
}

function show({ account, topic, stopped }: Stop): void {
  const heading = el('h1', { tabindex: -1 }, t(stopped ? 'stopped' : 'stop'));
  page.replaceChildren(
    el('header', { class: 'head' }, heading),
    el(
      'section',
      { class: stopped ? 'card done' : 'card' },
      el('p', {}, t(stopped ? `stopped.${topic}` : `stop.${topic}`, { account })),
      stopped ? null : form().root,
    ),
  );
  if (stopped) heading.focus();
}

function form(): Form {
  const act = new Act(t('stop.act'), seconds => t('wait', { seconds }));
  const made: Form = new Form(
    [],
    act,
    () => '',
    async () => {
      act.begin(t('busy'));
      try {
        const now = await stop(token);
        act.end();
        show(now);
      } catch (thrown) {
        act.end();
        const { status, more } = asProblem(thrown);
        if (status === 429)
          made.fail(
            t('many', {
              seconds: act.wait(more.retryAfterMS, () => {
                made.right();
              }),
            }),
          );
        else made.fail(t('away'));
      }
    },
  );
  return made;
}
