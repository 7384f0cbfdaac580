/** What the form of a quote holds, and what of it the API is told. */
import { momentOf } from '../calendar/zone';
import type { components } from '../shell/schema';

export type Options = components['schemas']['EventOptions'];
export type Option = keyof Options;

/** In the order in which they stand on pages. */
export const options: readonly Option[] = ['registration', 'poll', 'languages', 'sms'];

/** In minutes. */
export const durations = [30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440] as const;

export interface Draft {
  organization: string;
  name: string;
  email: string;
  phone: string;
  title: string;
  /** On clocks in timeZone, as a datetime-local input has it. */
  startsAt: string;
  timeZone: string;
  minutes: string;
  viewers: string;
  languages: string[];
  options: string[];
  remarks: string;
}

/** More than one language is an option that nobody has to tick. What was left out is for the server to name. */
export function bodyOf(draft: Draft, language: string): components['schemas']['AskInBody'] {
  const at = momentOf(draft.startsAt, draft.timeZone);
  const { organization, name, email, phone, title, timeZone, languages, remarks } = draft;
  return {
    organization,
    name,
    email,
    phone,
    title,
    timeZone,
    languages,
    remarks,
    startsAt: Number.isNaN(at) ? '' : new Date(at).toISOString(),
    minutes: Number(draft.minutes),
    viewers: Number.parseInt(draft.viewers.replace(/[\s.,\u202f\u00a0]/g, ''), 10) || 0,
    options: {
      registration: draft.options.includes('registration'),
      poll: draft.options.includes('poll'),
      sms: draft.options.includes('sms'),
      languages: languages.length > 1,
    },
    language,
  };
}

/** 45 min, 1 h, 1 h 05 min; the same in both languages. */
export function lasting(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return `${rest}\u00a0min`;
  return rest === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h\u00a0${String(rest).padStart(2, '0')}\u00a0min`;
}
