/** What organizers do first, through the pages: an account, an event, a stream. */
import { type Locator, type Page, expect } from '@playwright/test';

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** Makes the first account of a control node, and leaves its owner at the calendar. */
export async function setUp(page: Page): Promise<void> {
  await page.goto('/setup');
  await field(page, 'Name of the account').fill('Delta Conferences');
  await field(page, 'Your name').fill('Ana Silva');
  await field(page, 'Email').fill('ana@delta.example');
  await field(page, 'Password').fill('snow melts in may');
  await button(page, 'Make the account').click();
  await expect(page.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible();
}

/** Plans an event half an hour from now, and leaves the page at it. Answers its slug. */
export async function plan(page: Page, title: string): Promise<string> {
  await page.getByRole('link', { name: 'New event' }).click();
  await field(page, 'Title').fill(title);
  await field(page, 'Starts').fill(localTime(new Date(Date.now() + 30 * 60_000)));
  await button(page, 'Create the event').click();
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
  const slugs = new RegExp(`/e/(${title.toLowerCase().replaceAll(' ', '-')}-[a-z0-9]+)`);
  return slugs.exec((await page.textContent('body')) ?? '')?.[1] ?? '';
}

/** Adds a stream to the event of the page. Answers the dialog that shows its key. */
export async function addStream(page: Page, name: string): Promise<Locator> {
  await button(page, 'Add a stream').click();
  await field(page, 'Name').fill(name);
  await button(page, 'Add the stream').click();
  const keys = page.getByRole('alertdialog', { name: `Key of ${name}` });
  await expect(keys).toBeVisible();
  return keys;
}

/** What a field for a day and a time takes: the browser's own time. */
export function localTime(moment: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}
