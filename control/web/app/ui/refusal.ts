/** What the API answers in place of what was asked, with the fields that are wrong. */
import { Problem, asProblem, problemOf } from '@freshet/player/problem';

/** A place that is wrong: "/email", and the server's own words for it. */
export interface WrongField {
  pointer: string;
  detail: string;
}

export class ApiProblem extends Problem {
  constructor(
    problem: Problem,
    readonly fields: readonly WrongField[] = [],
  ) {
    super(problem.kind, problem.status, problem.title, problem.detail, problem.more);
  }
}

/** Reads the problem out of an answer whose status is no success. Never throws. */
export async function apiProblemOf(response: Response): Promise<ApiProblem> {
  const body = response.clone();
  const problem = await problemOf(response);
  return new ApiProblem(problem, fieldsOf(await body.json().catch(() => undefined)));
}

/** The places that a problem names. Exported for its test. */
export function fieldsOf(body: unknown): WrongField[] {
  const errors = record(body)['errors'];
  return (Array.isArray(errors) ? (errors as unknown[]) : []).flatMap(error => {
    const { pointer, detail } = record(error);
    return typeof pointer === 'string' && pointer.startsWith('/')
      ? [{ pointer, detail: typeof detail === 'string' ? detail : '' }]
      : [];
  });
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

/** Makes an ApiProblem of whatever was thrown. */
export function asApiProblem(thrown: unknown): ApiProblem {
  return thrown instanceof ApiProblem ? thrown : new ApiProblem(asProblem(thrown));
}

/**
 * The problem's wrong places by the form's names: "/signature" belongs to signature. What the form has no input for
 * stays in rest.
 */
export function sortFields<N extends string>(
  problem: ApiProblem,
  names: readonly N[],
): { at: N[]; rest: WrongField[] } {
  const at = new Set<N>();
  const rest: WrongField[] = [];
  for (const field of problem.fields) {
    const name = names.find(candidate => candidate === field.pointer.split('/')[1]);
    if (name === undefined) rest.push(field);
    else at.add(name);
  }
  return { at: names.filter(name => at.has(name)), rest };
}
