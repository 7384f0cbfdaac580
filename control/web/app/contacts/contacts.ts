/** The address book of an account, as its page shows it. */
import { type QueryClient } from '@tanstack/react-query';
import type { components } from '../shell/schema';

export type Contact = components['schemas']['Person'];
export type Group = components['schemas']['ContactGroup'];

/** Which contacts are looked at, beside their group, as it stands in the address. */
export interface Search {
  search?: string;
  cursor?: string;
}

export function searchOf(given: Readonly<Partial<Record<keyof Search, unknown>>>): Search {
  const text = (name: keyof Search) => (typeof given[name] === 'string' ? given[name] : '');
  return {
    ...(text('search') === '' ? {} : { search: text('search').slice(0, 200) }),
    ...(text('cursor') === '' ? {} : { cursor: text('cursor') }),
  };
}

/** What is known of contacts and groups is old now. */
export async function forgetContacts(queries: QueryClient): Promise<void> {
  await Promise.all(
    (['/api/v1/contacts', '/api/v1/contact-groups'] as const).map(path =>
      queries.invalidateQueries({ queryKey: ['get', path] }),
    ),
  );
}

/** What somebody is called where there may be no name. */
export function nameOf({ name, email }: Pick<Contact, 'name' | 'email'>): string {
  return name === '' ? email : name;
}
