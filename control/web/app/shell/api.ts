/** The API, as openapi.yaml writes it: every call of the shell's pages goes through here. */
import createClient from 'openapi-fetch';
import createQueryHooks from 'openapi-react-query';
import { apiProblemOf, asApiProblem } from './problem';
import type { components, paths } from './schema';
import { databaseAnswered } from './health';

export type Me = components['schemas']['Me'];
export type Member = components['schemas']['Member'];
export type Role = Member['role'];
export type Device = components['schemas']['Device'];
export type Passkey = components['schemas']['PasskeyShown'];
export type APIKey = components['schemas']['APIKey'];
export type Webhook = components['schemas']['Webhook'];
export type HookDelivery = components['schemas']['HookDelivery'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type MeshView = components['schemas']['MeshView'];
export type MeshEntry = components['schemas']['MeshEntry'];
export type MeshAlert = components['schemas']['MeshAlert'];
export type SessionWhy = components['schemas']['MeshWhy'];
export type MeshKey = components['schemas']['MeshKey'];
export type MeshLine = components['schemas']['MeshLine'];
export type MeshLink = components['schemas']['MeshLink'];
export type MeshNode = components['schemas']['MeshNode'];
export type MeshStream = components['schemas']['MeshStream'];
export type EventLine = components['schemas']['EventLine'];
export type EventState = EventLine['state'];
export type EventKind = EventLine['kind'];

const answerWithinMS = 15_000;
const uploadWithinMS = 60_000;
/** What the ops console is answered tells nothing of the database: 503 is for a missing cluster or leader, too. */
const withoutDatabase = /^\/api\/v1\/ops\//;

/** Answers what succeeded, and throws an ApiProblem for all else. */
async function ask(request: Request): Promise<Response> {
  let response: Response;
  try {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(answerWithinMS)]);
    response = await fetch(request, { signal });
  } catch (thrown) {
    if (request.signal.aborted) throw thrown; // nobody waits for it any more
    throw asApiProblem(thrown);
  }
  if (!withoutDatabase.test(new URL(request.url).pathname)) databaseAnswered(response.status !== 503);
  if (!response.ok) throw await apiProblemOf(response);
  return response;
}

/** Sends a file as it is; told is called with what share of it has left. fetch tells of no progress. */
export async function upload(
  path: string,
  file: Blob,
  headers: Record<string, string>,
  told: (share: number) => void,
): Promise<Response> {
  const response = await new Promise<Response>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', path);
    request.timeout = uploadWithinMS;
    request.responseType = 'text';
    request.setRequestHeader('Content-Type', file.type);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      told(total > 0 ? loaded / total : 0);
    };
    const failed = () => {
      reject(asApiProblem(new TypeError('no answer')));
    };
    request.onerror = failed;
    request.ontimeout = failed;
    request.onload = () => {
      const answered = new Headers();
      for (const name of ['Content-Type', 'ETag', 'Retry-After']) {
        const value = request.getResponseHeader(name);
        if (value !== null) answered.set(name, value);
      }
      resolve(new Response(request.responseText, { status: request.status, headers: answered }));
    };
    request.send(file);
  });
  databaseAnswered(response.status !== 503);
  if (!response.ok) throw await apiProblemOf(response);
  return response;
}

export const client = createClient<paths>({ fetch: ask });
export const api = createQueryHooks(client);
