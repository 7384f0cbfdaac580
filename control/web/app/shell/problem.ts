/** What to say of a problem, on the pages of the shell. */
import { Problem } from '@freshet/player/problem';
import { ApiProblem, asApiProblem } from '../ui/refusal';
import { type Key, type T } from './words';

export * from '../ui/refusal';

const texts: Record<string, Key> = {
  unreachable: 'problem.unreachable',
  timeout: 'problem.unreachable',
  unavailable: 'problem.unavailable',
  'status-503': 'problem.unavailable',
  'status-502': 'problem.unavailable',
  'status-504': 'problem.unavailable',
  internal: 'problem.internal',
  invalid: 'problem.invalid',
  'not-found': 'problem.notFound',
  forbidden: 'problem.forbidden',
  unauthorized: 'problem.unauthorized',
  'log-in': 'problem.logIn',
  'link-dead': 'problem.linkDead',
  'other-browser': 'problem.otherBrowser',
  code: 'problem.code',
  'second-step': 'problem.secondStep',
  'second-step-code': 'step.code.wrong',
  'second-step-on': 'problem.stepOn',
  'second-step-off': 'problem.stepOff',
  'log-in-over': 'problem.logInOver',
  'log-in-again': 'problem.logInAgain',
  passkey: 'problem.passkey',
  'passkey-called-off': 'problem.passkeyCalledOff',
  'passkey-known': 'problem.passkeyKnown',
  'passkeys-off': 'problem.passkeysOff',
  'full-passkeys': 'problem.fullPasskeys',
  'set-up': 'problem.setUp',
  changed: 'problem.changed',
  password: 'problem.password',
  member: 'problem.member',
  full: 'problem.full',
  'shown-once': 'problem.shownOnce',
  'last-owner': 'problem.lastOwner',
  joined: 'problem.joined',
  state: 'problem.state',
  'too-late': 'problem.tooLate',
  held: 'problem.held',
  user: 'problem.user',
  'full-streams': 'problem.fullStreams',
  'full-users': 'problem.fullUsers',
  'full-places': 'problem.fullPlaces',
  'full-guests': 'problem.fullGuests',
  count: 'problem.count',
  'full-keys': 'problem.fullKeys',
  'full-webhooks': 'problem.fullWebhooks',
  'lost-key': 'problem.lostKey',
  'lost-webhook': 'problem.lostWebhook',
  'lost-secret': 'problem.lostSecret',
  'changed-webhook': 'problem.changedWebhook',
  off: 'problem.off',
  'event-unknown': 'problem.notFound',
  'stream-unknown': 'problem.notFound',
  'no-cluster': 'problem.noCluster',
  'no-leader': 'problem.noLeader',
  'node-unknown': 'problem.nodeUnknown',
  rotating: 'problem.rotating',
  'session-unknown': 'problem.sessionUnknown',
};

/** What happened, what still holds and what to do; the server's title where the kind is not known. */
export function describe(problem: Problem, t: T): string {
  if (problem.status === 429) {
    return t('problem.tooMany', {
      n: Math.max(1, Math.ceil((problem.more.retryAfterMS ?? 60_000) / 60_000)),
    });
  }
  const key = texts[problem.kind];
  return key === undefined ? problem.title : t(key);
}

/** What was thrown, as another kind where kinds has one for it: the same kind is said of several things. */
export function renamed(thrown: unknown, kinds: Readonly<Record<string, string>>): ApiProblem {
  const problem = asApiProblem(thrown);
  const kind = kinds[problem.kind];
  if (kind === undefined) return problem;
  const { status, title, detail, more, fields } = problem;
  return new ApiProblem(new Problem(kind, status, title, detail, more), fields);
}
