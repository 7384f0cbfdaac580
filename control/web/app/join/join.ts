/** "/join": nine digits lead to an event. */
import { el } from '@freshet/player/dom';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageTexts } from '../ui/texts';
import { numberForm } from './form';
import { joinTexts } from './texts';
import '../ui/base.css';
import './join.css';

const t = pageTexts();
const own = joinTexts();
document.title = own('title');

const form = numberForm(own);
frame(
  t,
  [],
  el(
    'div',
    { class: 'join' },
    el('h1', {}, own('title')),
    el('p', { class: 'muted' }, own('lead')),
    el('div', { class: 'card' }, form),
    el('p', { class: 'muted' }, `${own('organize')} `, el('a', { href: '/login' }, own('organize.act'))),
  ),
);
fontsAfterPicture();
form.querySelector('input')?.focus();
