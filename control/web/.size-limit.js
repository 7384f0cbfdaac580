/** What each page loads at first: the scripts that its HTML names, which are all that these import. */
import { readFileSync, readdirSync } from 'node:fs';

const html = page =>
  [...readFileSync(`dist/${page}.html`, 'utf8').matchAll(/"\/(assets\/[^"]+)"/g)].map(m => `dist/${m[1]}`);
const scripts = page => html(page).filter(path => path.endsWith('.js'));
const withStyles = page => html(page).filter(path => /\.(js|css)$/.test(path));

const assets = readdirSync('dist/assets');
const chunk = name => {
  const found = assets.find(file => file.startsWith(`${name}-`) && file.endsWith('.js'));
  if (!found) throw new Error(`no chunk ${name}: is dist built?`);
  return found;
};

/** A chunk with all that it imports, by themselves and by others. */
function closure(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(`dist/assets/${file}`, 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g))
    closure(other, seen);
  return seen;
}

const shell = new Set([...scripts('shell'), `dist/assets/${chunk('fr')}`]);
/** What opening a page of the shell loads beyond it. */
const page = name =>
  [...closure(chunk(name))].map(file => `dist/assets/${file}`).filter(path => !shell.has(path));

const limit = (name, limit, path) => ({ name, path, limit, gzip: true });

/** What a chunk loads beyond scripts. */
const beyond = (name, scripts) =>
  [...closure(chunk(name))].map(file => `dist/assets/${file}`).filter(path => !scripts.includes(path));

export default [
  limit('watch, script before the first frame', '45 kB', scripts('watch')),
  limit('embed, script before the first frame', '45 kB', scripts('embed')),
  limit('watch, in all (without fonts)', '180 kB', withStyles('watch')),
  limit('go live, script', '60 kB', scripts('live')),
  limit('home, script', '60 kB', scripts('index')),
  limit('join, script', '60 kB', scripts('join')),
  limit('check, script', '60 kB', scripts('check')),
  limit('register, script', '60 kB', scripts('register')),
  limit("a guest's link, script", '60 kB', scripts('pass')),
  limit('unsubscribe, script', '60 kB', scripts('unsubscribe')),
  limit('door and lobby, script after that of watch', '20 kB', beyond('visit', scripts('watch'))),
  limit('description of the API, script', '60 kB', scripts('docs')),
  limit('shell, script, with its larger catalogue', '210 kB', [...shell]),
  ...[
    'SetUp',
    'LogIn',
    'Invite',
    'Profile',
    'Security',
    'Members',
    'Audit',
    'Calendar',
    'NewEvent',
    'EventPage',
    'Overview',
    'Edit',
    'Access',
    'Guests',
    'Users',
    'NewOrder',
    'Order',
    'Mailbox',
    'Ops',
    'LiveMap',
    'Session',
    'Identity',
  ].map(name => limit(`shell, script of ${name}`, '60 kB', page(name))),
  limit("player.js, for other people's pages", '45 kB', ['dist/player.js']),
];
