/** The way of a newcomer through a mesh of its own: first account, out and in again, settings, members, audit. */
import { type Page, expect, test } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from '../page';
import { Up } from '../up';

const password = 'snow melts in may';

/** What the journey looks for, as each language has it. */
const words = {
  en: {
    setUp: 'Set up Freshet',
    account: 'Name of the account',
    name: 'Your name',
    email: 'Email',
    password: 'Password',
    make: 'Make the account',
    profile: 'Profile',
    calendar: 'Calendar',
    nothing: 'Nothing is planned',
    logIn: 'Log in',
    logOut: 'Log out',
    byPassword: 'Use a password instead',
    wrong: 'The address or the password is wrong',
    done: 'Freshet is set up',
    save: 'Save profile',
    saved: 'Saved',
    security: 'Security',
    old: 'Old password',
    next: 'New password',
    savePassword: 'Save password',
    passwordSaved: 'The password is saved',
    here: 'This browser',
    members: 'Members',
    invite: 'Invite a member',
    send: 'Send the invitation',
    onItsWay: 'An invitation is on its way to leo@delta.example',
    role: 'Role of leo@delta.example',
    more: 'More for leo@delta.example',
    remove: 'Remove leo@delta.example',
    audit: 'Audit log',
    removed: 'Removed a member',
    first: 'Made the first account',
    mails: 'Mails',
    invited: 'You are invited to Delta Conferences',
    newPassword: 'New password',
    join: 'Join Delta Conferences',
    sendLink: 'Send me the link',
    linkMail: 'Log in to Freshet',
    logInAs: 'Log in as ana@delta.example',
  },
  fr: {
    setUp: 'Mettre en place Freshet',
    account: 'Nom du compte',
    name: 'Votre nom',
    email: 'Adresse électronique',
    password: 'Mot de passe',
    make: 'Créer le compte',
    profile: 'Profil',
    calendar: 'Calendrier',
    nothing: "Rien n'est prévu",
    logIn: 'Se connecter',
    logOut: 'Se déconnecter',
    byPassword: 'Utiliser plutôt un mot de passe',
    wrong: "L'adresse ou le mot de passe est faux",
    done: 'Freshet est en place',
    save: 'Enregistrer le profil',
    saved: 'Enregistré',
    security: 'Sécurité',
    old: 'Ancien mot de passe',
    next: 'Nouveau mot de passe',
    savePassword: 'Enregistrer le mot de passe',
    passwordSaved: 'Le mot de passe est enregistré',
    here: 'Ce navigateur',
    members: 'Membres',
    invite: 'Inviter un membre',
    send: "Envoyer l'invitation",
    onItsWay: 'Une invitation est en route vers leo@delta.example',
    role: 'Rôle de leo@delta.example',
    more: 'Plus pour leo@delta.example',
    remove: 'Retirer leo@delta.example',
    audit: "Journal d'audit",
    removed: 'A retiré un membre',
    first: 'A créé le premier compte',
    mails: 'Messages',
    invited: 'Vous êtes invité à rejoindre Delta Conferences',
    newPassword: 'Nouveau mot de passe',
    join: 'Rejoindre Delta Conferences',
    sendLink: 'Envoyer le lien',
    linkMail: 'Connexion à Freshet',
    logInAs: 'Se connecter en tant que ana@delta.example',
  },
} as const;

for (const [language, width, colorScheme] of [
  ['en', 1280, 'light'],
  ['fr', 360, 'dark'],
] as const) {
  test(
    `from nothing to an account with members, ${language} at ${width}`,
    { tag: language === 'fr' ? '@more' : [] },
    async ({ browser }, info) => {
      test.setTimeout(180_000);
      const up = await Up.start();
      const context = await browser.newContext({
        baseURL: up.url,
        locale: language === 'fr' ? 'fr-CA' : 'en-US',
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width, height: 740 },
      });
      try {
        const page = await context.newPage();
        // The browser itself writes a line for each answer from 400 on, as the one to a wrong password.
        const errors = watchErrors(page, [/Failed to load resource/]);
        const look = async (seen: Page, name: string) => {
          await seen.evaluate(() => document.fonts.ready);
          await expectNoSidewaysScroll(seen);
          await seen.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
          await expectAccessible(seen);
        };
        const guest = async (then: (other: Page) => Promise<void>) => {
          const others = await browser.newContext({
            baseURL: up.url,
            locale: language === 'fr' ? 'fr-CA' : 'en-US',
            colorScheme,
            reducedMotion: 'reduce',
            viewport: { width, height: 740 },
          });
          const other = await others.newPage();
          const wrong = watchErrors(other, [/Failed to load resource/]);
          await then(other);
          expect(wrong).toEqual([]);
          await others.close();
        };
        await newcomer(page, words[language], look, guest);
        expect(errors).toEqual([]);
      } finally {
        await context.close();
        await up.stop();
      }
    },
  );
}

async function newcomer(
  page: Page,
  w: (typeof words)[keyof typeof words],
  lookAt: (seen: Page, name: string) => Promise<void>,
  guest: (then: (other: Page) => Promise<void>) => Promise<void>,
): Promise<void> {
  const look = (name: string) => lookAt(page, name);
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });
  const field = (name: string) => page.getByLabel(name, { exact: true });

  await page.goto('/');
  await page.getByRole('link', { name: w.setUp }).click();
  await expect(heading(w.setUp)).toBeVisible();
  await look('setup');
  await field(w.account).fill('Delta Conferences');
  await field(w.name).fill('Ana Silva');
  await field(w.email).fill('ana@delta.example');
  await field(w.password).fill('short');
  await button(w.make).click();
  await expect(field(w.password)).toHaveAttribute('aria-invalid', 'true');
  await field(w.password).fill(password);
  await button(w.make).click();
  await expect(heading(w.calendar)).toBeVisible();
  await expect(page.getByText(w.nothing)).toBeVisible();
  await look('calendar');

  await button('Ana Silva').click();
  await page.getByRole('menuitem', { name: w.logOut }).click();
  await expect(heading(w.logIn)).toBeVisible();
  await page.goto('/setup');
  await expect(page.getByText(w.done)).toBeVisible();

  await page.goto('/settings/security');
  await expect(heading(w.logIn)).toBeVisible();
  await page.getByRole('link', { name: w.byPassword }).click();
  await field(w.email).fill('ana@delta.example');
  await field(w.password).fill('not this one');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText(w.wrong);
  await look('login');
  await field(w.password).fill(password);
  await page.keyboard.press('Enter');
  await expect(heading(w.security)).toBeVisible(); // where it wanted to go

  await expect(page.getByText(w.here)).toBeVisible();
  await look('security');
  await field(w.old).fill(password);
  await field(w.next).fill(`${password}, and in june`);
  await button(w.savePassword).click();
  await expect(page.getByText(w.passwordSaved)).toBeVisible();

  const places = page.getByRole('navigation');
  await places.getByRole('link', { name: w.profile }).click();
  await expect(heading(w.profile)).toBeVisible();
  await field(w.name).fill('Ana M. Silva');
  await button(w.save).click();
  await expect(page.getByText(w.saved, { exact: true })).toBeVisible();
  await expect(button('Ana M. Silva')).toBeVisible();

  await places.getByRole('link', { name: w.members }).click();
  await button(w.invite).click();
  await field(w.email).fill('leo@delta.example');
  await button(w.send).click();
  await expect(page.getByText(w.onItsWay)).toBeVisible();
  await field(w.role).selectOption('presenter');
  await expect(field(w.role)).toBeEnabled();
  await look('members');
  await page.reload();
  await expect(field(w.role)).toHaveValue('presenter');

  // Whom the invitation reached chooses a password, in a browser of their own.
  await guest(async other => {
    await other.goto('/dev/mail');
    await expect(other.getByRole('heading', { level: 1, name: w.mails })).toBeVisible();
    await other.getByRole('link', { name: w.invited }).first().click();
    await lookAt(other, 'mails');
    await other.getByRole('link', { name: /\/invite\// }).click();
    await expect(other.getByRole('heading', { level: 1, name: w.join })).toBeVisible();
    await other.getByLabel(w.name, { exact: true }).fill('Leo Roy');
    await other.getByLabel(w.newPassword, { exact: true }).fill(password);
    await other.getByRole('button', { name: w.join }).click();
    await expect(other.getByRole('heading', { level: 1, name: w.calendar })).toBeVisible();
    await expect(other.getByRole('button', { name: 'Leo Roy', exact: true })).toBeVisible();
    await other.goto('/settings/audit');
    await expect(other.getByText(w.first)).toHaveCount(0); // an owner's alone
  });

  await button(w.more).click();
  await page.getByRole('menuitem', { name: w.remove }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: w.remove }).click();
  await expect(field(w.role)).toHaveCount(0);

  await places.getByRole('link', { name: w.audit }).click();
  await expect(page.getByText(w.removed)).toBeVisible();
  await expect(page.getByText(w.first)).toBeVisible();
  await look('audit');

  // Out, and in again by a link that a mail brought to this browser.
  await button('Ana M. Silva').click();
  await page.getByRole('menuitem', { name: w.logOut }).click();
  await field(w.email).fill('ana@delta.example');
  await button(w.sendLink).click();
  await page.goto('/dev/mail');
  await page.getByRole('link', { name: w.linkMail }).first().click();
  await page.getByRole('link', { name: /\/login\/link\// }).click();
  await button(w.logInAs).click();
  await expect(heading(w.calendar)).toBeVisible();
}
