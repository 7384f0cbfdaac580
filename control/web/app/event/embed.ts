/** "/embed/{slug}": the player alone, as large as its frame. */
import '@freshet/player';
import { el } from '@freshet/player/dom';
import { apiBase, slugOf } from '../ui/api';
import { fontsAfterPicture } from '../ui/fonts';
import { pageTexts } from '../ui/texts';
import { applyTheme } from '../ui/theme';
import '@freshet/player/tokens.css';
import './embed.css';

pageTexts(); // sets the language that the player follows
applyTheme();
const slug = slugOf(location.pathname);
document.title = slug;

const asked = new URLSearchParams(location.search);
const player = el('freshet-player', {
  event: slug,
  api: apiBase,
  standby: 'warm',
  autoplay: asked.get('autoplay') !== '0',
  class: 'player',
});
document.body.append(el('main', {}, el('h1', { class: 'unseen' }, slug), player));
fontsAfterPicture(player);
