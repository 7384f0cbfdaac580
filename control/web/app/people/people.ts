/** People as somebody brings them, to lists of guests or to the address book. */
import { type Key, type T } from '../shell/words';
import type { components } from '../shell/schema';

export type NewPerson = components['schemas']['NewPerson'];
export type Report = components['schemas']['AddReport'];
export type BadLine = components['schemas']['BadLine'];

/** So many can be added at once by hand; more come in a file. */
export const mostAtOnce = 1000;
/** A file may have so many bytes. */
export const mostBytes = 4 << 20;

/**
 * The people who were typed or pasted, one a line: "ana@delta.example", "Ana Silva <ana@delta.example>", "Ana Silva,
 * ana@delta.example" or, as mail programs have it, several on a line with commas or semicolons between them. What has
 * no address is left as it is, for the server to say so.
 */
export function peopleIn(text: string): NewPerson[] {
  return text
    .split(/[\n;]/)
    .flatMap(line => (line.split('@').length > 2 ? line.split(',') : [line]))
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(personOf);
}

function personOf(part: string): NewPerson {
  const bracketed = /^(.*)<([^<>]*)>\s*$/.exec(part);
  const email = bracketed?.[2] ?? part.split(/[\s,]+/).find(word => word.includes('@')) ?? part;
  const name = (bracketed?.[1] ?? part.replace(email, '')).replace(/^[\s,"']+|[\s,"']+$/g, '');
  return name === '' ? { email: email.trim() } : { name, email: email.trim() };
}

const reasons: Record<string, Key> = {
  'There is no address.': 'people.bad.none',
  'This is not an email address.': 'people.bad.address',
  'The name is longer than 80 characters.': 'people.bad.name',
  'The language is no tag of BCP 47, such as en or fr-CA.': 'people.bad.language',
};

/** Why a line was not taken, in words; the server's own where it has none here. */
export function reasonOf(reason: string, t: T): string {
  const key = reasons[reason];
  return key === undefined ? reason : t(key);
}

/** The lines that a refused file is wrong in: "/line/12". */
export function badLinesOf(fields: readonly { pointer: string; detail: string }[]): BadLine[] {
  return fields.flatMap(({ pointer, detail }) => {
    const line = /^\/line\/(\d+)$/.exec(pointer)?.[1];
    return line === undefined ? [] : [{ line: Number(line), reason: detail }];
  });
}

/** The report of an answer, which every answer that is none of a problem has. */
export function said(report: Report | undefined): Report {
  if (!report) throw new TypeError('an answer without a report');
  return report;
}
