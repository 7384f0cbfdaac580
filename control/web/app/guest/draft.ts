/** What is typed into the form of an event: kept in the tab until it is sent, also while there is no network. */
export interface Draft {
  name: string;
  email: string;
  /** By the ids of the form's fields; '' is none, 'on' a ticked box. */
  answers: Record<string, string>;
}

const keyOf = (slug: string) => `freshet-register:${slug}`;

export function keepDraft(slug: string, draft: Draft): void {
  try {
    sessionStorage.setItem(keyOf(slug), JSON.stringify(draft));
  } catch {
    // Storage is blocked or full: the page alone has it.
  }
}

export function dropDraft(slug: string): void {
  try {
    sessionStorage.removeItem(keyOf(slug));
  } catch {
    // Storage is blocked: nothing was kept.
  }
}

export function draftOf(slug: string): Draft {
  try {
    return read(JSON.parse(sessionStorage.getItem(keyOf(slug)) ?? '{}'));
  } catch {
    return read(undefined);
  }
}

function read(value: unknown): Draft {
  const draft = record(value);
  const answers = Object.entries(record(draft['answers'])).filter(([, answer]) => typeof answer === 'string');
  const text = (name: string) => (typeof draft[name] === 'string' ? draft[name] : '');
  return {
    name: text('name'),
    email: text('email'),
    answers: Object.fromEntries(answers) as Record<string, string>,
  };
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}
