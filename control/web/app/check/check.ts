/** "/check": whether this machine can watch and speak. Each line passes, or says one thing to do. */
import { el, onPress, say } from '@freshet/player/dom';
import { browserOf } from '../settings/browser';
import { copyButton } from '../ui/copy';
import { fontsAfterPicture } from '../ui/fonts';
import { frame } from '../ui/frame';
import { pageTexts } from '../ui/texts';
import { lacking } from './browser';
import { Device } from './device';
import { Line } from './line';
import { checkTexts } from './texts';
import { playTone } from './tone';
import { trySite, tryWay } from './way';
import '../ui/base.css';
import '../live/meter.css';
import './check.css';

const t = pageTexts();
const own = checkTexts();
document.title = own('title');

/** The run that is under way; another one ends it. */
let running: AbortController | undefined;

const summary = el('p', { class: 'muted', role: 'status' });
const site = new Line(own('site'), own, sum);
const browser = new Line(own('browser'), own, sum);
const way = new Line(own('way'), own, sum);
const sound = new Line(own('sound'), own, sum);
const microphone = new Line(own('microphone'), own, sum);
const camera = new Line(own('camera'), own, sum);
const lines = [site, browser, way, sound, microphone, camera];
const devices = [new Device('microphone', microphone, own), new Device('camera', camera, own)];

frame(
  t,
  [],
  el(
    'div',
    { class: 'check' },
    el('h1', {}, own('title')),
    el('p', {}, own('lead')),
    summary,
    el('ul', { class: 'lines' }, ...lines.map(({ element }) => element)),
    el(
      'div',
      { class: 'acts' },
      onPress(el('button', { type: 'button', class: 'button main' }, own('again')), check),
      copyButton(report, own('copy'), t),
    ),
  ),
);
fontsAfterPicture();
check();

function check(): void {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  lookAtBrowser();
  void lookAtSite(signal);
  void lookAtWay(signal);
  askForSound();
  for (const device of devices) device.reset();
}

function lookAtBrowser(): void {
  const { browser: name, system } = browserOf(navigator.userAgent);
  const lacks = lacking();
  if (lacks === undefined) browser.set('ok', own('browser.ok', { name, system }));
  else browser.set('bad', own(`browser.${lacks}`, { name, system }));
}

async function lookAtSite(signal: AbortSignal): Promise<void> {
  site.set('running', own('site.running'));
  try {
    const ms = await trySite(signal);
    site.set('ok', own('site.ok', { ms: Math.round(ms) }));
  } catch {
    if (!signal.aborted) site.set('bad', own('site.bad'));
  }
}

async function lookAtWay(signal: AbortSignal): Promise<void> {
  way.set('running', own('way.running'));
  if (lacking() === 'webrtc') {
    way.set('untested', own('way.browser'));
    return;
  }
  try {
    const found = await tryWay(signal);
    if (found.is === 'ok') way.set('ok', own('way.ok', { edge: found.edge, ms: Math.round(found.ms) }));
    else if (found.is === 'bad') way.set('bad', own('way.bad', { host: found.host }));
    else way.set('untested', own('way.untested'));
  } catch {
    if (!signal.aborted) way.set('untested', own('way.site'));
  }
}

function askForSound(): void {
  sound.set('asks', own('sound.asks'), { name: own('sound.act'), on: () => void playSound() });
}

async function playSound(): Promise<void> {
  const again = { name: own('sound.act'), on: () => void playSound() };
  const answers = [
    {
      name: own('sound.yes'),
      on: () => {
        sound.set('ok', own('sound.ok'), again);
      },
    },
    {
      name: own('sound.no'),
      on: () => {
        sound.set('bad', own('sound.bad'), again);
      },
    },
  ];
  sound.set('running', own('sound.running'));
  try {
    await playTone();
    sound.set('asks', own('sound.heard'), ...answers, again);
  } catch {
    sound.set('bad', own('sound.none'), again);
  }
}

/** What the lines come to: told to readers, not more often than lines change. */
function sum(): void {
  if (!lines.every(line => line.element.dataset['state'])) return; // not all of them are there yet
  const n = (state: Line['state']) => lines.filter(line => line.state === state).length;
  say(
    summary,
    n('running') > 0
      ? own('summary.running')
      : own('summary', { ok: n('ok'), bad: n('bad'), left: n('asks') + n('untested') }),
  );
}

function report(): string {
  return [
    own('title'),
    `${location.origin} · ${new Date().toISOString()}`,
    navigator.userAgent,
    ...lines.map(line => line.report),
  ].join('\n');
}
