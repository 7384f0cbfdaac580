/** Saves some of an event's fields apart from the others. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { client } from '../shell/api';
import { ApiProblem, asApiProblem } from '../shell/problem';
import { eventQuery, knownOf, useEvent, useKeep } from './event';
import { type EventFields } from './values';

/** What was read last is what a change is based on: after somebody else's the event is read again. */
export function useFields() {
  const event = useEvent();
  const queries = useQueryClient();
  const keep = useKeep();
  return useMutation({
    mutationFn: async (body: EventFields) => {
      const { data, response } = await client.PATCH('/api/v1/events/{id}', {
        body,
        params: { path: { id: event.id }, header: { 'If-Match': [event.etag] } },
      });
      return knownOf(data, response);
    },
    onSuccess: keep,
    onError: async thrown => {
      if (asApiProblem(thrown).kind === 'changed') await queries.refetchQueries(eventQuery(event.id));
    },
  });
}

/** The lines of a text that say something. */
export function linesOf(text: string): string[] {
  return text
    .split(/[\n,;]/)
    .map(line => line.trim())
    .filter(line => line !== '');
}

/** The lines that a problem of field names, from 1: those of linesOf. */
export function wrongLines(pointers: readonly string[], field: string): number[] {
  return pointers.flatMap(pointer => {
    const [, line] = new RegExp(`^/${field}/(\\d+)$`).exec(pointer) ?? [];
    return line === undefined ? [] : [Number(line) + 1];
  });
}

/**
 * The problem with its places by the names of a form: "/embed/sites/3" belongs to sites where embed is named so; where a
 * name is undefined the next part of the pointer is the form's.
 */
export function named(problem: ApiProblem, names: Readonly<Record<string, string | undefined>>): ApiProblem {
  const fields = problem.fields.map(({ pointer, detail }) => {
    const [, first = '', ...rest] = pointer.split('/');
    return first in names
      ? { pointer: ['', ...(names[first] === undefined ? [] : [names[first]]), ...rest].join('/'), detail }
      : { pointer, detail };
  });
  return new ApiProblem(problem, fields);
}
