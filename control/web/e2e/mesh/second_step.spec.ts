/** A member sets up a second step and a passkey, and gets in by each, on a mesh of its own. */
import { createHmac } from 'node:crypto';
import { type Page, expect, test } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from '../page';
import { Up } from '../up';

const password = 'snow melts in may';
const email = 'ana@delta.example';

/** What the journey looks for, as each language has it. */
const words = {
  en: {
    account: 'Name of the account',
    name: 'Your name',
    email: 'Email',
    password: 'Password',
    make: 'Make the account',
    calendar: 'Calendar',
    logIn: 'Log in',
    logOut: 'Log out',
    byPassword: 'Use a password instead',
    security: 'Security',
    setUp: 'Set up a second step',
    next: 'Next',
    wrongPassword: 'The password is wrong',
    secret: 'Copy: secret',
    qr: 'QR code with the secret for the app',
    first: 'First code',
    on: 'Switch it on',
    wrongCode: 'This is not a code of the app now',
    kept: 'I have kept them',
    since: /^On since/,
    left: '9 recovery codes are left.',
    step: 'That was right. Now the second step:',
    code: 'Code of your app',
    byPasskey: 'Log in with a passkey',
    add: 'Add a passkey',
    addIt: 'Add the passkey',
    unused: /not used yet/,
    remove: 'Remove: Phone',
    removeIt: 'Remove the passkey',
    unknown: 'This passkey is not known here',
    off: 'Switch it off',
    byCode: 'Use a code of the app instead',
    audit: 'Audit log',
    acts: [
      'Switched the second step off',
      'Used a recovery code',
      'Logged in by a passkey',
      'Added a passkey',
    ],
  },
  fr: {
    account: 'Nom du compte',
    name: 'Votre nom',
    email: 'Adresse électronique',
    password: 'Mot de passe',
    make: 'Créer le compte',
    calendar: 'Calendrier',
    logIn: 'Se connecter',
    logOut: 'Se déconnecter',
    byPassword: 'Utiliser plutôt un mot de passe',
    security: 'Sécurité',
    setUp: 'Mettre en place une deuxième étape',
    next: 'Suivant',
    wrongPassword: 'Le mot de passe est faux',
    secret: 'Copier\u00a0: secret',
    qr: "Code QR avec le secret pour l'application",
    first: 'Premier code',
    on: 'Activer',
    wrongCode: "Ce n'est pas un code actuel de l'application",
    kept: 'Je les ai gardés',
    since: /^Activée depuis/,
    left: 'Il reste 9 codes de récupération.',
    step: "C'est juste. Voici la deuxième étape\u00a0:",
    code: 'Code de votre application',
    byPasskey: "Se connecter par clé d'accès",
    add: "Ajouter une clé d'accès",
    addIt: "Ajouter la clé d'accès",
    unused: /pas encore utilisée/,
    remove: 'Retirer\u00a0: Phone',
    removeIt: "Retirer la clé d'accès",
    unknown: "Cette clé d'accès n'est pas connue ici",
    off: 'Désactiver',
    byCode: "Utiliser plutôt un code de l'application",
    audit: "Journal d'audit",
    acts: [
      'A désactivé la deuxième étape',
      'A utilisé un code de récupération',
      "S'est connecté par une clé d'accès",
      "A ajouté une clé d'accès",
    ],
  },
} as const;

for (const [language, width, colorScheme] of [
  ['en', 1280, 'light'],
  ['fr', 360, 'dark'],
] as const) {
  test(
    `a second step and a passkey, ${language} at ${width}`,
    { tag: '@more' },
    async ({ browser }, info) => {
      test.setTimeout(180_000);
      const up = await Up.start();
      const context = await browser.newContext({
        baseURL: up.url.replace('127.0.0.1', 'localhost'), // browsers have no passkeys for a bare address
        locale: language === 'fr' ? 'fr-CA' : 'en-US',
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width, height: 740 },
      });
      try {
        const page = await context.newPage();
        // The browser itself writes a line for each answer from 400 on, as the one that asks for a second step.
        const errors = watchErrors(page, [/Failed to load resource/]);
        await member(page, words[language], async name => {
          await page.evaluate(() => document.fonts.ready);
          await expectNoSidewaysScroll(page);
          await page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
          await expectAccessible(page);
        });
        expect(errors).toEqual([]);
        await atAddress(page, up.url, words[language], info.outputPath('address.png'));
      } finally {
        await context.close();
        await up.stop();
      }
    },
  );
}

async function member(
  page: Page,
  w: (typeof words)[keyof typeof words],
  look: (name: string) => Promise<void>,
): Promise<void> {
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const alert = page.getByRole('alert');
  const logOut = async () => {
    await button('Ana Silva').click();
    await page.getByRole('menuitem', { name: w.logOut }).click();
    await expect(heading(w.logIn)).toBeVisible();
  };
  const givePassword = async () => {
    await page.goto('/login?by=password&to=/settings/security');
    await field(w.email).fill(email);
    await field(w.password).fill(password);
    await page.keyboard.press('Enter');
  };

  await page.goto('/setup');
  await field(w.account).fill('Delta Conferences');
  await field(w.name).fill('Ana Silva');
  await field(w.email).fill(email);
  await field(w.password).fill(password);
  await button(w.make).click();
  await expect(heading(w.calendar)).toBeVisible();

  // The app, its first code, the recovery codes.
  await page.goto('/settings/security');
  await button(w.setUp).click();
  await field(w.password).fill('not this one');
  await button(w.next).click();
  await expect(field(w.password)).toHaveAccessibleDescription(new RegExp(w.wrongPassword));
  await look('prove');
  await field(w.password).fill(password);
  await button(w.next).click();
  await expect(page.getByRole('img', { name: w.qr })).toBeVisible();
  const link = (await page.locator('a[href^="otpauth:"]').getAttribute('href')) ?? '';
  const secret = new URL(link).searchParams.get('secret') ?? '';
  await look('app');
  await field(w.first).fill('000000');
  await button(w.on).click();
  await expect(field(w.first)).toHaveAccessibleDescription(new RegExp(w.wrongCode));
  await field(w.first).fill(codeOf(secret));
  await button(w.on).click();
  const shown = page.getByRole('alertdialog').getByRole('listitem');
  await expect(shown).toHaveCount(10);
  const recovery = await shown.allInnerTexts();
  await look('codes');
  await button(w.kept).click();
  await expect(page.getByText(w.since)).toBeVisible();

  // The password is not enough any more; nor is a code that was used.
  await logOut();
  await givePassword();
  await expect(page.getByText(w.step)).toBeVisible();
  await expect(field(w.code)).toBeFocused();
  await look('step');
  await page.keyboard.type('000000');
  await page.keyboard.press('Enter');
  await expect(field(w.code)).toHaveAccessibleDescription(new RegExp(w.wrongCode));
  await look('step-wrong');
  await field(w.code).fill(codeOf(secret, 1)); // of the period that comes, as an app shows it whose clock is fast
  await page.keyboard.press('Enter');
  await expect(heading(w.security)).toBeVisible(); // where it wanted to go

  await logOut();
  await givePassword();
  await field(w.code).fill(recovery[0] ?? '');
  await page.keyboard.press('Enter');
  await expect(heading(w.security)).toBeVisible();
  await expect(page.getByText(w.left)).toBeVisible();

  // A passkey of an authenticator that verifies its person.
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  await button(w.add).click();
  await field(w.name.startsWith('Your') ? 'Name' : 'Nom').fill('Phone');
  await field(w.password).fill(password);
  await look('add-passkey');
  await button(w.addIt).click();
  await expect(page.getByText(w.unused)).toBeVisible();
  await look('security');

  await logOut();
  await look('login');
  await button(w.byPasskey).click();
  await expect(heading(w.calendar)).toBeVisible();

  await page.goto('/settings/security');
  await button(w.remove).click();
  await page.getByRole('alertdialog').getByRole('button', { name: w.removeIt }).click();
  await expect(button(w.remove)).toHaveCount(0);
  await logOut();
  await button(w.byPasskey).click();
  await expect(alert).toContainText(w.unknown);
  await look('login-passkey-unknown');

  // Off again, by a recovery code.
  await givePassword();
  await field(w.code).fill(recovery[1] ?? '');
  await page.keyboard.press('Enter');
  await expect(heading(w.security)).toBeVisible();
  await button(w.off).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: w.byCode }).click();
  await dialog.getByLabel(w.code).fill(recovery[2] ?? '');
  await look('off');
  await dialog.getByRole('button', { name: w.off, exact: true }).click();
  await expect(button(w.setUp)).toBeVisible();
  await logOut();
  await givePassword();
  await expect(heading(w.security)).toBeVisible();

  await page.goto('/settings/audit');
  await expect(heading(w.audit)).toBeVisible();
  for (const act of w.acts) await expect(page.getByText(act).first()).toBeVisible();
}

/** At a bare address the page says where there are passkeys. */
async function atAddress(
  page: Page,
  url: string,
  w: (typeof words)[keyof typeof words],
  path: string,
): Promise<void> {
  await page.goto(`${url}/login?by=password&to=/settings/security`);
  await expect(page.getByRole('button', { name: w.byPasskey })).toHaveCount(0);
  await page.getByLabel(w.email, { exact: true }).fill(email);
  await page.getByLabel(w.password, { exact: true }).fill(password);
  await page.keyboard.press('Enter');
  const there = `${url.replace('127.0.0.1', 'localhost')}/settings/security`;
  await expect(page.getByRole('link', { name: there })).toBeVisible();
  await expectNoSidewaysScroll(page);
  await page.screenshot({ path, fullPage: true });
  await expectAccessible(page);
}

/** What an app shows (RFC 6238), some periods of 30 s from now. */
function codeOf(secret: string, later = 0): string {
  let bits = '';
  for (const letter of secret)
    bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const sum = createHmac('sha1', key).update(counter).digest();
  const at = (sum.at(-1) ?? 0) & 15;
  return ((sum.readUInt32BE(at) & 0x7fffffff) % 1_000_000).toString().padStart(6, '0');
}
