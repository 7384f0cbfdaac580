/**
 * In place of "/embed/{slug}" on a site that the event's organizer has not allowed: says which one, and where the event
 * is. It has no player, and nothing on it does anything: it may stand in any frame.
 */
import { el } from '@freshet/player/dom';
import { slugOf } from '../ui/api';
import { pageTexts } from '../ui/texts';
import { applyTheme } from '../ui/theme';
import '@freshet/player/tokens.css';
import './embed.css';

const t = pageTexts();
applyTheme();
const slug = slugOf(location.pathname);
document.title = slug;

/** The site that shows this frame; empty where the browser does not say. */
function site(): string {
  try {
    return new URL(document.referrer).host;
  } catch {
    return '';
  }
}

const where = site();
document.body.append(
  el(
    'main',
    { class: 'refused' },
    el('h1', {}, where === '' ? t('embed.refused') : t('embed.refused.on', { site: where })),
    el('p', {}, t('embed.refused.text')),
    el(
      'a',
      { href: `/e/${encodeURIComponent(slug)}`, target: '_blank', rel: 'noopener' },
      t('embed.refused.open'),
    ),
  ),
);
