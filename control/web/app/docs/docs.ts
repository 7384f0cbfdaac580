/** "/docs/api": the API, drawn from the document that the server gives of itself. */
import { el, say } from '@freshet/player/dom';
import { apiBase } from '../ui/api';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageTexts } from '../ui/texts';
import { docsTexts } from './texts';
import '../ui/base.css';
import './docs.css';
import { type Field, type Operation, operationsOf } from './document';

const shared = pageTexts();
const t = docsTexts();
document.title = t('title');

const filter = el('input', { type: 'search', id: 'filter', autocomplete: 'off', spellcheck: 'false' });
const found = el('p', { class: 'small muted', role: 'status' });
const chapters = el('div', { class: 'chapters' });

frame(
  shared,
  [],
  el(
    'div',
    { class: 'docs' },
    el('h1', {}, t('heading')),
    el('p', {}, t('lead')),
    el(
      'p',
      { class: 'links' },
      el('a', { class: 'button', href: `${apiBase}/openapi.json` }, 'openapi.json'),
      el('a', { class: 'button', href: `${apiBase}/openapi.yaml` }, 'openapi.yaml'),
    ),
    el('label', { for: 'filter' }, t('filter')),
    filter,
    found,
    chapters,
  ),
);
fontsAfterPicture();

function table(title: string, fields: readonly Field[], asked = true): HTMLElement | null {
  if (fields.length === 0) return null;
  return el(
    'div',
    { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': title },
    el(
      'table',
      {},
      el('caption', {}, title),
      el(
        'tbody',
        {},
        ...fields.map(field =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, el('code', {}, field.name)),
            el('td', {}, el('code', {}, field.type), asked && field.required ? ` ${t('required')}` : null),
            el('td', {}, field.text),
          ),
        ),
      ),
    ),
  );
}

function entry(op: Operation): HTMLElement {
  const who =
    op.who.length === 0
      ? t('anyone')
      : op.who.map(scheme => t(scheme === 'login' ? 'login' : 'key')).join(', ');
  return el(
    'details',
    { id: op.id },
    el(
      'summary',
      {},
      el('span', { class: 'method' }, op.method),
      el('code', { class: 'path' }, op.path),
      el('span', { class: 'muted' }, op.summary),
    ),
    el(
      'div',
      { class: 'inside' },
      el('p', { class: 'small muted' }, `${t('who')} ${who}. ${t('statuses')} ${op.statuses.join(', ')}.`),
      table(t('parameters'), op.parameters),
      table(t('body'), op.body),
      table(t('answer'), op.answer, false),
    ),
  );
}

/** Shows the operations, and keeps to those in which what is typed occurs. */
function show(operations: readonly Operation[]): void {
  const rows = operations.map(op => ({
    op,
    row: entry(op),
    in: `${op.method} ${op.path} ${op.summary} ${op.id}`.toLowerCase(),
  }));
  const sections = [...new Set(operations.map(op => op.chapter))].map(chapter => ({
    chapter,
    section: el(
      'section',
      {},
      el('h2', {}, chapter),
      ...rows.filter(({ op }) => op.chapter === chapter).map(({ row }) => row),
    ),
  }));
  chapters.replaceChildren(...sections.map(({ section }) => section));
  const narrow = () => {
    const asked = filter.value.trim().toLowerCase();
    let n = 0;
    for (const { row, in: text } of rows) {
      row.hidden = !text.includes(asked);
      if (!row.hidden) n++;
    }
    for (const { chapter, section } of sections)
      section.hidden = rows.every(({ op, row }) => op.chapter !== chapter || row.hidden);
    say(found, t('found', { n }));
  };
  filter.addEventListener('input', narrow);
  narrow();
  open();
}

/** Opens the operation that the address names. */
function open(): void {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}
addEventListener('hashchange', open);

async function load(): Promise<void> {
  try {
    const answer = await fetch(`${apiBase}/openapi.json`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    show(operationsOf(await answer.json()));
  } catch {
    say(found, t('away'));
  }
}
void load();
