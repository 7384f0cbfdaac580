/** How an account and an event look: the pages where that is chosen, and the pages that wear it. */
import { expect } from '@playwright/test';
import { type Answers, anaAs, answer, problem } from '../answers';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from '../page';
import { logo, logoAt, servePictures, stripesAt } from '../picture';
import { type State, lookAtEach, test, visit } from '../states';

const here = '/settings/look';
const me: Answers = { 'GET /me': anaAs('owner') };
const yellow = {
  light: { colour: '#7d731d', strong: '#645c17', soft: '#eceadd', onColour: '#ffffff' },
  dark: { colour: '#ffeb3b', strong: '#ffef62', soft: '#343c24', onColour: '#060e10' },
};
const nothing = { body: { colour: null, shown: { name: 'Delta Conferences' } } };
const image = (url: string, width: number, height: number) => ({ url, width, height });
const chosen = {
  colour: '#ffeb3b',
  logo: image(logoAt, 240, 80),
  background: image(stripesAt, 400, 300),
  shown: { name: 'Delta Conferences', ...yellow, logo: image(logoAt, 240, 80) },
};

const states: State[] = [
  {
    name: 'look, nothing chosen',
    path: here,
    answers: { ...me, 'GET /account/brand': { headers: { ETag: '"0"' }, body: nothing.body } },
    en: "Pages show Freshet's",
    fr: 'Les pages montrent celui de Freshet',
  },
  {
    name: 'look refused',
    path: here,
    answers: { 'GET /me': anaAs('organizer') },
    en: 'This needs the role owner',
    fr: 'Il faut pour cela le rôle propriétaire',
  },
  {
    name: 'look failed',
    path: here,
    answers: { ...me, 'GET /account/brand': problem(418, 'odd') },
    en: 'Try again',
    fr: 'Réessayer',
  },
];
lookAtEach(states);

for (const [language, width, colorScheme] of [
  ['en', 1280, 'light'],
  ['fr', 360, 'dark'],
  ['en', 360, 'light'],
  ['fr', 1280, 'dark'],
] as const) {
  test(`look, all chosen, ${language} at ${width}, ${colorScheme}`, async ({ page, mesh }, info) => {
    await page.setViewportSize({ width, height: 740 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const errors = watchErrors(page);
    await answer(page, { ...me, 'GET /account/brand': { headers: { ETag: '"7"' }, body: chosen } });
    await servePictures(page);
    await page.goto(`${mesh.url}${here}?lang=${language}`);
    await expect(page.getByText(language === 'en' ? 'Darkened to #' : 'Foncée à #')).toBeVisible();
    await expect(page.getByRole('img', { name: /^Logo/ })).toBeVisible();
    await page.evaluate(() => document.fonts.ready);
    await expectNoSidewaysScroll(page);
    await page.screenshot({ path: info.outputPath('look.png'), fullPage: true });
    await expectAccessible(page);
    expect(errors).toEqual([]);
  });
}

test('a colour is typed, seen, refused, saved and taken away', async ({ page, mesh }) => {
  const sent: unknown[] = [];
  let version = 0;
  let refuse = true;
  const errors = await visit(page, mesh, here, {
    ...me,
    'GET /account/brand': () => ({ headers: { ETag: `"${version}"` }, body: nothing.body }),
    'PATCH /account/brand': request => {
      const body = JSON.parse(request.postData() ?? '') as { colour: string | null };
      sent.push([request.headers()['if-match'], body]);
      if (refuse) return problem(422, 'invalid', { errors: [{ pointer: '/colour', detail: '' }] });
      return {
        headers: { ETag: `"${++version}"` },
        body: { colour: body.colour, shown: { name: 'Delta Conferences', ...(body.colour ? yellow : {}) } },
      };
    },
  });
  const field = page.getByLabel('Colour', { exact: true });
  const save = page.getByRole('button', { name: 'Save the colour' });
  await field.fill('#12345');
  await save.click();
  await expect(page.getByText('Write the colour with six digits')).toBeVisible();
  await expect(field).toBeFocused();
  refuse = false;
  await field.fill('#ffeb3b');
  await expect(
    page.getByText(/^Darkened to #[0-9a-f]{6}, so that text on it can be read. Contrast: 5\.\d/),
  ).toBeVisible();
  await expect(page.getByText('Used as it is. Contrast of the text on it: ')).toBeVisible();
  await save.click();
  await expect(page.getByText('Saved')).toBeVisible();
  await field.fill('');
  await save.click();
  await expect(page.getByText('Darkened')).toBeHidden();
  await expect
    .poll(() => sent)
    .toEqual([
      ['"0"', { colour: '#12345' }],
      ['"0"', { colour: '#ffeb3b' }],
      ['"1"', { colour: null }],
    ]);
  expect(errors).toEqual([]);
});

test('a logo is sent with progress, refused with reasons, and removed', async ({ page, mesh }, info) => {
  let version = 0;
  let has = false;
  const shown = () => ({
    headers: { ETag: `"${version}"` },
    body: {
      colour: null,
      ...(has ? { logo: chosen.logo } : {}),
      shown: { name: 'Delta Conferences', ...(has ? { logo: chosen.logo } : {}) },
    },
  });
  const puts: unknown[] = [];
  const answers: Answers = {
    ...me,
    'GET /account/brand': shown,
    'PUT /account/brand/logo': request => {
      const type = request.headers()['content-type'];
      puts.push([type, request.headers()['if-match'], request.postDataBuffer()?.length]);
      if (type !== 'image/png') return problem(422, 'invalid');
      has = true;
      version++;
      return { ...shown(), afterMS: 500 };
    },
    'PATCH /account/brand': () => {
      has = false;
      version++;
      return shown();
    },
  };
  const errors = await visit(page, mesh, here, answers);
  await servePictures(page);
  const choose = async (name: string, mimeType: string, buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: /^Choose (a|another) logo$/ }).press('Enter');
    await (await chooser).setFiles({ name, mimeType, buffer });
  };
  await choose('large.png', 'image/png', Buffer.alloc(700 * 1024));
  await expect(page.getByRole('alert')).toContainText(
    'The file is 700 kB. The limit is 512 kB. What was there stays.',
  );
  await choose('logo.webp', 'image/webp', Buffer.from('RIFF'));
  await expect(page.getByRole('alert')).toContainText('no whole PNG, JPEG or WebP image');
  await page.screenshot({ path: info.outputPath('refused.png'), fullPage: true });
  await choose('logo.png', 'image/png', logo);
  await expect(page.getByRole('progressbar', { name: 'Sending the picture' })).toBeVisible();
  await expectAccessible(page);
  await expect(page.getByRole('img', { name: 'Logo of Delta Conferences' })).toBeVisible();
  await expect(page.getByText('Saved')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(puts).toEqual([
    ['image/webp', '"0"', 4],
    ['image/png', '"0"', logo.length],
  ]);
  await page.getByRole('button', { name: 'Remove the logo' }).click();
  await expect(page.getByText("There is no logo. Pages show Freshet's.")).toBeVisible();
  expect(errors).toEqual([]);
});

test('what another owner has changed meanwhile is shown, and the next try is based on it', async ({
  page,
  mesh,
}) => {
  let version = 3;
  const errors = await visit(page, mesh, here, {
    ...me,
    'GET /account/brand': () => ({ headers: { ETag: `"${version}"` }, body: nothing.body }),
    'PATCH /account/brand': request => {
      if (request.headers()['if-match'] !== '"4"') {
        version = 4;
        return problem(412, 'changed');
      }
      return { headers: { ETag: '"5"' }, body: { ...chosen } };
    },
  });
  await servePictures(page);
  await page.getByLabel('Colour', { exact: true }).fill('#ffeb3b');
  const save = page.getByRole('button', { name: 'Save the colour' });
  await save.click();
  await expect(page.getByRole('alert')).toContainText('Somebody has changed this meanwhile');
  await expect(page.getByLabel('Colour', { exact: true })).toHaveValue('#ffeb3b');
  await save.click();
  await expect(page.getByText('Saved')).toBeVisible();
  expect(errors).toEqual([]);
});

const event = {
  slug: 'town-hall',
  number: '123456789',
  link: 'https://webcast.delta.example/e/town-hall',
  kind: 'webcast',
  title: 'Town hall: what the delta taught us this year',
  description: 'One hour on rivers, mud and patience.',
  languages: ['en', 'fr'],
  startsAt: '2036-11-27T14:00:00Z',
  endsAt: '2036-11-27T15:30:00Z',
  timeZone: 'Europe/Paris',
  state: 'scheduled',
  access: 'open',
  agenda: [{ at: 0, title: 'Welcome', text: 'Ana Ferreira opens the hall.' }],
  lobby: 'Get a coffee.',
};
const looks = [
  ['logo and colour', { name: 'Delta', ...yellow, logo: image(logoAt, 240, 80) }],
  [
    'background',
    { name: 'Delta', ...yellow, logo: image(logoAt, 240, 80), background: image(stripesAt, 400, 300) },
  ],
] as const;
for (const [name, brand] of looks) {
  for (const [language, width, colorScheme] of [
    ['en', 1280, 'light'],
    ['fr', 360, 'dark'],
    ['en', 360, 'light'],
    ['fr', 1280, 'dark'],
  ] as const) {
    test(`the event page wears ${name}, ${language} at ${width}, ${colorScheme}`, async ({
      page,
      mesh,
    }, info) => {
      mesh.events.set('town-hall', { ...event, brand });
      await page.setViewportSize({ width, height: 740 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const errors = watchErrors(page, [/status of 404/]);
      await servePictures(page);
      await page.goto(`${mesh.url}/e/town-hall?lang=${language}`);
      await expect(page.getByRole('banner').getByRole('img', { name: 'Delta' })).toBeVisible();
      const shades = brand[colorScheme];
      const rgb = (hex: string) => `rgb(${[1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)).join(', ')})`;
      const button = page.locator('.event .button.main');
      await expect(button).toHaveCSS('background-color', rgb(shades.colour));
      await expect(button).toHaveCSS('color', rgb(shades.onColour));
      await page.evaluate(() => document.fonts.ready);
      await expectNoSidewaysScroll(page);
      await page.screenshot({ path: info.outputPath('page.png'), fullPage: true });
      await expectAccessible(page);
      expect(errors).toEqual([]);
    });
  }
}
