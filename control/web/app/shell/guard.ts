/** Who may go where. */
import { ApiProblem } from './problem';
import { type Me } from './api';

export type Act = NonNullable<Me['account']>['may'][number];

/** Where one lands after logging in. */
export const home = '/calendar';

/** Where one wanted to go, as long as that is a page of this site; else home. */
export function safeTarget(to: unknown): string {
  // A second slash, or a backslash, would make it the address of another host.
  return typeof to === 'string' && /^\/(?![/\\])/.test(to) && !/[\\\s]/.test(to) && !/^\/login\b/.test(to)
    ? to
    : home;
}

/** Whether the role in the account that is shown allows act. */
export function may(me: Pick<Me, 'account'>, act: Act): boolean {
  return me.account?.may.includes(act) === true;
}

/** Whether thrown says that nobody is logged in, rather than that a password was wrong. */
export function mustLogIn(thrown: unknown): boolean {
  return thrown instanceof ApiProblem && thrown.kind === 'unauthorized';
}

/** Whether asking again may help. */
export function mayTryAgain(failures: number, thrown: unknown): boolean {
  return failures < 2 && thrown instanceof ApiProblem && (thrown.status === 0 || thrown.status >= 500);
}
