/** The pages for people who log in, in the states that a healthy control node never shows all of. */
import { expect } from '@playwright/test';
import {
  type Answers,
  anaAs,
  audit,
  auditOlder,
  browsers,
  members,
  noStep,
  passkeys,
  problem,
  stepOn,
} from '../answers';
import { expectAccessible, expectNoSidewaysScroll } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const me: Answers = { 'GET /me': anaAs('owner') };
const open = 'POST /log-in-links/open';

const states: State[] = [
  {
    name: 'setup needed',
    path: '/setup',
    answers: { 'GET /setup': { body: { needed: true } } },
    en: 'Make the account',
    fr: 'Créer le compte',
  },
  {
    name: 'setup done',
    path: '/setup',
    answers: { 'GET /setup': { body: { needed: false } } },
    en: 'Freshet is set up: it has an account',
    fr: 'Freshet est en place',
  },
  { name: 'login by link', path: '/login', answers: {}, en: 'Send me the link', fr: 'Envoyer le lien' },
  {
    name: 'login by password',
    path: '/login?by=password',
    answers: {},
    en: 'Password forgotten?',
    fr: 'Mot de passe oublié',
  },
  {
    name: 'login code',
    path: '/login?sent=true',
    answers: {},
    en: 'Log in with the code',
    fr: 'Se connecter avec le code',
  },
  {
    name: 'login second step',
    path: '/login?step=true',
    answers: {},
    en: 'Code of your app',
    fr: 'Code de votre application',
  },
  {
    name: 'login link here',
    path: '/login/link/abc',
    answers: { [open]: { body: { email: 'ana@delta.example', here: true } } },
    en: 'Log in as ana@delta.example',
    fr: 'Se connecter en tant que ana@delta.example',
  },
  {
    name: 'login link elsewhere',
    path: '/login/link/abc',
    answers: { [open]: { body: { email: 'ana@delta.example', here: false, code: '048213' } } },
    en: 'Type this code there',
    fr: 'Saisissez-y ce code',
  },
  {
    name: 'login link dead',
    path: '/login/link/abc',
    answers: { [open]: problem(410, 'link-dead') },
    en: 'Ask for a new link',
    fr: 'Demander un nouveau lien',
  },
  { name: 'signup', path: '/signup', answers: {}, en: 'Make an account', fr: 'Créer un compte' },
  {
    name: 'signup link',
    path: '/signup/abc',
    answers: {},
    en: 'Choose a password, and',
    fr: 'Choisissez un mot',
  },
  { name: 'reset', path: '/reset', answers: {}, en: 'Back to log-in', fr: 'Retour à la connexion' },
  {
    name: 'reset link',
    path: '/reset/abc',
    answers: {},
    en: 'Save the password and log in',
    fr: 'Enregistrer et se connecter',
  },
  {
    name: 'invite new',
    path: '/invite/abc',
    answers: {
      'POST /invitations/open': {
        body: {
          account: 'Delta Conferences',
          email: 'leo@delta.example',
          name: '',
          role: 'organizer',
          known: false,
          here: false,
        },
      },
    },
    en: 'as an organizer',
    fr: 'comme organisateur',
  },
  {
    name: 'invite known',
    path: '/invite/abc',
    answers: {
      'POST /invitations/open': {
        body: {
          account: 'Delta Conferences',
          email: 'leo@delta.example',
          name: 'Leo',
          role: 'owner',
          known: true,
          here: false,
        },
      },
    },
    en: 'as an owner',
    fr: 'comme propriétaire',
  },
  {
    name: 'invite dead',
    path: '/invite/abc',
    answers: { 'POST /invitations/open': problem(410, 'link-dead') },
    en: 'This invitation was used',
    fr: 'Cette invitation a déjà servi',
  },
  {
    name: 'profile',
    path: '/settings/profile',
    answers: me,
    en: 'Save profile',
    fr: 'Enregistrer le profil',
  },
  {
    name: 'security',
    path: '/settings/security',
    answers: {
      ...me,
      'GET /me/log-ins': browsers,
      'GET /me/second-step': noStep,
      'GET /me/passkeys': { body: [] },
    },
    en: 'Safari on iPhone',
    fr: 'Safari sur iPhone',
  },
  {
    name: 'security with a second step',
    path: '/settings/security',
    answers: {
      ...me,
      'GET /me/log-ins': browsers,
      'GET /me/second-step': stepOn,
      'GET /me/passkeys': passkeys,
    },
    en: '2 recovery codes are left.',
    fr: 'Il reste 2 codes de récupération.',
  },
  {
    name: 'security failed',
    path: '/settings/security',
    answers: {
      ...me,
      'GET /me/log-ins': browsers,
      'GET /me/second-step': problem(418, 'odd'),
      'GET /me/passkeys': problem(418, 'odd'),
    },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'members',
    path: '/settings/members',
    answers: { ...me, 'GET /members': members },
    en: 'Invite a member',
    fr: 'Inviter un membre',
  },
  {
    name: 'members for an organizer',
    path: '/settings/members',
    answers: { 'GET /me': anaAs('organizer'), 'GET /members': members },
    en: 'Leo Tremblay',
    fr: 'Leo Tremblay',
  },
  {
    name: 'members refused',
    path: '/settings/members',
    answers: { 'GET /me': anaAs('presenter') },
    en: 'This needs the role organizer in Delta Conferences',
    fr: 'Il faut pour cela le rôle organisateur',
  },
  {
    name: 'member of no account',
    path: '/settings/members',
    answers: { 'GET /me': anaAs('owner', { account: undefined, accounts: [] }) },
    en: 'You are a member of no account',
    fr: "Vous n'êtes membre d'aucun compte",
  },
  {
    name: 'members failed',
    path: '/settings/members',
    answers: {
      ...me,
      'GET /members': problem(418, 'odd', { detail: 'I brew.', instance: '/problems/log/7' }),
    },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'audit',
    path: '/settings/audit',
    answers: { ...me, 'GET /audit': audit, 'GET /members': members },
    en: 'Invited a member: Leo Tremblay, Presenter',
    fr: 'A invité un membre\u00a0: Leo Tremblay, Animateur',
  },
  {
    name: 'audit refused',
    path: '/settings/audit',
    answers: { 'GET /me': anaAs('organizer') },
    en: 'This needs the role owner',
    fr: 'Il faut pour cela le rôle propriétaire',
  },
  {
    name: 'database away',
    path: '/settings/profile',
    answers: { 'GET /me': problem(503, 'unavailable', { instance: '/problems/log/8' }) },
    en: "Changes can't be saved right now",
    fr: "Rien ne peut être enregistré pour l'instant",
  },
];

lookAtEach(states);

test('whoever is not logged in is sent to log in, and back to where it went', async ({ page, mesh }) => {
  let known = false;
  await visit(page, mesh, '/settings/members', {
    'GET /me': () => (known ? anaAs('owner') : problem(401, 'unauthorized')),
    'GET /members': members,
    'POST /log-in': () => {
      known = true;
      return anaAs('owner');
    },
  });
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
  await page.getByLabel('Email').fill('ana@delta.example');
  await page.getByRole('link', { name: 'Use a password instead' }).click();
  await expect(page.getByLabel('Email')).toHaveValue('ana@delta.example'); // what was typed stays
  await page.getByLabel('Password', { exact: true }).fill('a long password');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Members' })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe('/settings/members');
});

test('a wrong password and too many tries say what to do, and keep what was typed', async ({
  page,
  mesh,
}) => {
  let tries = 0;
  const errors = await visit(page, mesh, '/login?by=password', {
    'POST /log-in': () =>
      ++tries === 1
        ? problem(401, 'log-in')
        : { ...problem(429, 'too-many'), headers: { 'Retry-After': '170' } },
  });
  await page.getByLabel('Email').fill('ana@delta.example');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toContainText('The address or the password is wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toContainText('Wait 3 minutes');
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('wrong');
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('a second step that took too long begins again, where it was going', async ({ page, mesh }, info) => {
  const errors = await visit(page, mesh, '/login?step=true&to=/settings/members', {
    'POST /log-in/second-step': problem(410, 'log-in-over'),
  });
  await page.getByLabel('Code of your app').fill('123456');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('You are not logged in');
  await page.screenshot({ path: info.outputPath('over.png') });
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Begin again' }).click();
  await expect(page.getByRole('button', { name: 'Send me the link' })).toBeVisible();
  expect(new URL(page.url()).searchParams.get('to')).toBe('/settings/members');
  expect(errors).toEqual([]);
});

test('what the server refuses stands at the fields and in a list', async ({ page, mesh }, info) => {
  const errors = await visit(page, mesh, '/setup', {
    'GET /setup': { body: { needed: true } },
    'POST /setup': problem(422, 'invalid', {
      errors: [
        { pointer: '/name', detail: 'too short' },
        { pointer: '/email', detail: 'odd' },
      ],
    }),
  });
  await page.getByLabel('Email').fill('ana');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByText('2 entries need another look')).toBeVisible();
  await expect(page.getByLabel('Your name')).toBeFocused();
  await expect(page.getByLabel('Email')).toHaveAccessibleDescription(/This is not an email address/);
  await expect(page.getByLabel('Email')).toHaveValue('ana');
  await page.screenshot({ path: info.outputPath('fields.png'), fullPage: true });
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('asking for a link answers the same for all, and takes the code of another browser', async ({
  page,
  mesh,
}) => {
  const errors = await visit(page, mesh, '/login', {
    'POST /log-in-links': { body: { sent: true } },
    'POST /log-in-links/code': problem(401, 'code'),
  });
  await page.getByLabel('Email').fill('nobody@delta.example');
  await page.getByRole('button', { name: 'Send me the link' }).click();
  await expect(page.getByText('If nobody@delta.example is known here')).toBeVisible();
  await page.getByLabel('Code').fill('123 456');
  await page.getByRole('button', { name: 'Log in with the code' }).click();
  await expect(page.getByRole('alert')).toContainText('This is not the code');
  await page.goBack();
  await expect(page.getByRole('button', { name: 'Send me the link' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('a profile that changed elsewhere is not lost, on neither side', async ({ page, mesh }, info) => {
  let changed = false;
  const matches: (string | undefined)[] = [];
  const theirs = anaAs('owner', { name: 'Ana S. Silva' });
  const errors = await visit(page, mesh, '/settings/profile', {
    'GET /me': () => (changed ? { ...theirs, headers: { ETag: '"4"' } } : anaAs('owner')),
    'PATCH /me': request => {
      matches.push(request.headers()['if-match']);
      if (matches.length > 1) return { ...anaAs('owner', { name: 'Ana Maria' }), headers: { ETag: '"5"' } };
      changed = true;
      return problem(412, 'changed');
    },
  });
  await page.getByLabel('Your name').fill('Ana Maria');
  await page.getByLabel('Time zone').selectOption('America/Toronto');
  await page.getByRole('button', { name: 'Save profile' }).click();
  await expect(page.getByText('Your profile was changed elsewhere')).toBeVisible();
  await expect(page.getByText('Your name: Ana S. Silva')).toBeVisible();
  await expect(page.getByLabel('Your name')).toHaveValue('Ana Maria');
  await page.screenshot({ path: info.outputPath('changed.png'), fullPage: true });
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save profile' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  expect(matches).toEqual(['"3"', '"4"']);
  expect(errors).toEqual([]);
});

test('offline, what was read stays with its age and nothing can be written', async ({
  page,
  mesh,
  context,
}, info) => {
  const errors = await visit(page, mesh, '/settings/members', { ...me, 'GET /members': members });
  await expect(page.getByText('Leo Tremblay')).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText('You are offline. What you see may be old')).toBeVisible();
  await expect(page.getByRole('button', { name: 'You are offline' })).toBeDisabled();
  await expect(page.getByText(/^As of /)).toBeVisible();
  await page.screenshot({ path: info.outputPath('offline.png'), fullPage: true });
  await expectAccessible(page);
  await context.setOffline(false);
  await expect(page.getByRole('button', { name: 'Invite a member' })).toBeEnabled();
  expect(errors).toEqual([]);
});

test('a database that is away is said in a banner, and the form keeps its text', async ({
  page,
  mesh,
}, info) => {
  const errors = await visit(page, mesh, '/settings/profile', {
    ...me,
    'PATCH /me': problem(503, 'unavailable'),
  });
  await page.getByLabel('Your name').fill('Ana Maria');
  await page.getByRole('button', { name: 'Save profile' }).click();
  await expect(page.getByText("Changes can't be saved right now. Live figures go on.")).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('Nothing is lost');
  await expect(page.getByLabel('Your name')).toHaveValue('Ana Maria');
  await page.screenshot({ path: info.outputPath('away.png'), fullPage: true });
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('a member is invited and removed by keyboard alone', async ({ page, mesh }, info) => {
  let removed = '';
  const errors = await visit(page, mesh, '/settings/members', {
    ...me,
    'GET /members': members,
    'POST /members': problem(409, 'member'),
    'DELETE /members/0198a000-0000-7000-8000-00000000000b': request => {
      removed = request.url();
      return problem(409, 'last-owner');
    },
  });
  await page.getByRole('button', { name: 'Invite a member' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Invite a member' })).toBeVisible();
  await page.screenshot({ path: info.outputPath('invite.png') });
  await expectAccessible(page);
  await page.getByLabel('Email').focus();
  await page.keyboard.type('leo@delta.example');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('This person is a member of the account already');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Invite a member' })).toBeFocused();

  await page.getByRole('button', { name: 'More for Leo Tremblay' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Remove Leo Tremblay' })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alertdialog', { name: 'Remove Leo Tremblay?' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused(); // the harmless one
  await page.screenshot({ path: info.outputPath('remove.png') });
  await expectAccessible(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('An account keeps one owner');
  expect(removed).not.toBe('');
  expect(errors).toEqual([]);
});

test('the audit log is read page by page, and the address says which', async ({ page, mesh }) => {
  await visit(page, mesh, '/settings/audit', {
    ...me,
    'GET /members': members,
    'GET /audit': audit,
    'GET /audit?cursor=51': auditOlder,
  });
  await page.getByRole('link', { name: 'Older entries' }).click();
  await expect(page.getByText('Made the first account')).toBeVisible();
  expect(page.url()).toContain('cursor=51');
  await page.goBack();
  await expect(page.getByText('Logged in with a password')).toBeVisible();
});

test('another account is shown, and the menu logs out', async ({ page, mesh }, info) => {
  const accounts = [
    { id: '0198a000-0000-7000-8000-0000000000d0', name: 'Delta Conferences' },
    { id: '0198a000-0000-7000-8000-0000000000d1', name: 'River Trust' },
  ];
  let other = false;
  const asks = { ...accounts[1], role: 'presenter', may: ['see-account'] };
  const errors = await visit(page, mesh, '/settings/members', {
    'GET /me': () => (other ? anaAs('presenter', { accounts, account: asks }) : anaAs('owner', { accounts })),
    'GET /members': members,
    'PUT /me/account': () => {
      other = true;
      return anaAs('presenter', { accounts, account: asks });
    },
    'POST /log-out': { status: 204 },
  });
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSidewaysScroll(page);
  await page.getByRole('button', { name: 'Delta Conferences' }).click();
  await page.screenshot({ path: info.outputPath('switch.png') });
  await expectAccessible(page);
  await page.getByRole('menuitem', { name: 'River Trust' }).click();
  await expect(page.getByText('This needs the role organizer in River Trust')).toBeVisible();
  await page.getByRole('button', { name: 'Ana Silva' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('a newcomer finds the way to set up from the start', async ({ page, mesh }, info) => {
  mesh.needsSetup = true;
  await page.goto(`${mesh.url}/?lang=en`);
  await page.screenshot({ path: info.outputPath('home.png') });
  await page.getByRole('link', { name: 'Set up Freshet' }).click();
  await expect(page.getByRole('heading', { name: 'Set up Freshet' })).toBeVisible();
});

test('what takes long is waited for in its layout', async ({ page, mesh }, info) => {
  const errors = await visit(page, mesh, '/settings/members', {
    'GET /me': { ...anaAs('owner'), afterMS: 1500 },
    'GET /members': { ...members, afterMS: 1500 },
  });
  await expect(page.getByText('Loading')).toBeAttached();
  await expect(page).toHaveTitle('Members · Freshet');
  await page.screenshot({ path: info.outputPath('waiting.png') });
  await expect(page.getByRole('heading', { name: 'Members' })).toBeVisible();
  await expect(page.getByText('Loading')).toBeAttached();
  await page.screenshot({ path: info.outputPath('loading.png') });
  await expect(page.getByText('Leo Tremblay')).toBeVisible();
  expect(errors).toEqual([]);
});
