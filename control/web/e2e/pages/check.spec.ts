/** The system check: each line passes, or says one thing to do. */
import { type Page, expect } from '@playwright/test';
import { answer, problem } from '../answers';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from '../page';
import { refused, test } from '../states';
import { type StandIn } from '../standin';

const looks = [
  {
    language: 'en',
    width: 1280,
    colorScheme: 'light',
    words: {
      title: 'System check',
      way: 'Way of picture and sound',
      edge: 'Media comes through by UDP',
      play: 'Play the tone',
      heard: 'Did you hear it?',
      yes: 'Yes',
      hear: 'You hear this machine.',
      microphone: 'Turn on the microphone',
      hears: 'The microphone hears something.',
      camera: 'Turn on the camera',
      sees: 'The camera gives a picture.',
      all: '6 of 6 pass, 0 to put right, 0 not tested.',
      site: 'The site does not answer.',
      untested: 'This cannot be tested now: the site does not answer.',
      refused: 'The browser may not use the microphone.',
      none: 'There is no camera.',
    },
  },
  {
    language: 'fr',
    width: 360,
    colorScheme: 'dark',
    words: {
      title: 'Vérification du système',
      way: 'Chemin de l’image et du son',
      edge: 'Le média passe par UDP',
      play: 'Jouer le son',
      heard: 'L’avez-vous entendu',
      yes: 'Oui',
      hear: 'Vous entendez cette machine.',
      microphone: 'Allumer le microphone',
      hears: 'Le microphone entend quelque chose.',
      camera: 'Allumer la caméra',
      sees: 'La caméra donne une image.',
      all: '6 sur 6 en ordre, 0 à corriger, 0 sans essai.',
      site: 'Le site ne répond pas.',
      untested: 'Impossible à essayer maintenant : le site ne répond pas.',
      refused: 'Le navigateur ne peut pas utiliser le microphone.',
      none: 'Il n’y a pas de caméra.',
    },
  },
] as const;

async function open(page: Page, mesh: StandIn, look: (typeof looks)[number]): Promise<void> {
  const { language, width, colorScheme, words } = look;
  await page.setViewportSize({ width, height: 740 });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${mesh.url}/check?lang=${language}`);
  await expect(page.getByRole('heading', { level: 1, name: words.title })).toBeVisible();
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const line = (page: Page, name: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) });

for (const look of looks) {
  const { language, width, words } = look;

  test(`all lines pass, ${language} at ${width}`, async ({ page, mesh, context }, info) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const errors = watchErrors(page);
    await open(page, mesh, look);
    await expect(page.getByText(words.edge)).toBeVisible();
    await expect.poll(() => mesh.asked).toEqual(['POST edge-1', 'DELETE edge-1']); // it leaves the edge again
    await button(page, words.play).click();
    await expect(page.getByText(words.heard)).toBeVisible();
    await button(page, words.yes).click();
    await expect(page.getByText(words.hear)).toBeVisible();
    await button(page, words.microphone).click();
    await expect(page.getByText(words.hears)).toBeVisible();
    await button(page, words.camera).click();
    await expect(page.getByText(words.sees)).toBeVisible();
    await expect(page.getByRole('status')).toHaveText(words.all);
    await page.evaluate(() => document.fonts.ready);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await page.screenshot({ path: info.outputPath(`check ${language}.png`), fullPage: true });
    await page.setViewportSize({ width: 320, height: 740 });
    await expectNoSidewaysScroll(page);
    expect(errors).toEqual([]);
  });

  test(`what fails says one thing to do, ${language} at ${width}`, async ({ page, mesh }, info) => {
    const errors = watchErrors(page, [refused]);
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = wants =>
        Promise.reject(new DOMException('', wants?.video === true ? 'NotFoundError' : 'NotAllowedError'));
    });
    await answer(page, {
      'GET /setup': problem(503, 'unavailable'),
      'GET /streams': problem(503, 'unavailable'),
    });
    await open(page, mesh, look);
    await expect(page.getByText(words.site).first()).toBeVisible();
    await expect(page.getByText(words.untested)).toBeVisible();
    await button(page, words.microphone).click();
    await expect(page.getByText(words.refused)).toBeVisible();
    await button(page, words.camera).click();
    await expect(page.getByText(words.none)).toBeVisible();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await page.screenshot({ path: info.outputPath(`failed ${language}.png`), fullPage: true });
    expect(errors).toEqual([]);
  });
}

test('an edge that nothing comes through to, then nothing on the air, then all is well', async ({
  page,
  mesh,
}) => {
  const errors = watchErrors(page, [/Failed to load resource|ERR_/]);
  mesh.moods.set('edge-1', 'dead');
  await open(page, mesh, looks[0]);
  const way = line(page, 'Way of picture and sound');
  await expect(way).toContainText('Ask whoever runs your network to let UDP go to 127.0.0.1.');
  await expect(way).toContainText('To put right');
  mesh.moods.set('edge-1', 'full'); // it answers: the way to it is not known to be closed
  await button(page, 'Check again').click();
  await expect(way).toContainText('This cannot be tested now');
  mesh.moods.set('edge-1', 'well');
  mesh.live = false;
  await button(page, 'Check again').click();
  await expect(way).toContainText('nothing that anybody may watch is on the air');
  mesh.live = true;
  await button(page, 'Check again').click();
  await expect(way).toContainText('a session with edge-1');
  expect(errors).toEqual([]);
});

test('devices are asked for by a press alone, and go off again', async ({ page, mesh }) => {
  await page.addInitScript(() => {
    const taken: MediaStreamTrack[] = [];
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async wants => {
      const stream = await ask(wants);
      taken.push(...stream.getTracks());
      return stream;
    };
    Object.assign(globalThis, { states: () => taken.map(track => `${track.kind} ${track.readyState}`) });
  });
  const states = () => page.evaluate(() => (globalThis as unknown as { states: () => string[] }).states());
  await open(page, mesh, looks[0]);
  await expect(page.getByText('Media comes through by UDP')).toBeVisible();
  expect(await states()).toEqual([]);
  await button(page, 'Turn on the microphone').click();
  await expect(page.getByText('The microphone hears something.')).toBeVisible();
  await expect(page.getByRole('meter', { name: 'Level of the microphone' })).toBeVisible();
  await line(page, 'Microphone').getByRole('button', { name: 'Turn off' }).click();
  await expect(page.getByText('It is off now.')).toBeVisible();
  await button(page, 'Turn on the camera').click();
  await expect(page.getByText('The camera gives a picture.')).toBeVisible();
  expect(await states()).toEqual(['audio ended', 'video live']);
  await button(page, 'Check again').click();
  expect(await states()).toEqual(['audio ended', 'video ended']);
  await expect(button(page, 'Turn on the camera')).toBeVisible();
});

test('a tone that is not heard, by keyboard alone, and the report', async ({ page, mesh, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, mesh, looks[0]);
  await expect(page.getByText('Media comes through by UDP')).toBeVisible();
  await button(page, 'Play the tone').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Did you hear it?')).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(button(page, 'No')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Turn the volume up')).toBeVisible();
  await expect(page.getByRole('status').first()).toHaveText('3 of 6 pass, 1 to put right, 2 not tested.');
  await button(page, 'Copy the report').click();
  await expect(button(page, 'Copied')).toBeVisible();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text.split('\n')).toHaveLength(9);
  expect(text).toContain('Sound: To put right. Turn the volume up');
  expect(text).toContain('This site: Passes. The site answers, in ');
});
