import { type AuditEntry } from '../shell/api';
import { type Key, type T } from '../shell/words';
import { roles } from './roles';

const acts: Record<string, Key> = {
  'set-up': 'act.set-up',
  'use-sign-up': 'act.use-sign-up',
  'log-in': 'act.log-in',
  'log-in-link': 'act.log-in-link',
  'log-in-code': 'act.log-in-code',
  reset: 'act.reset',
  'use-invitation': 'act.use-invitation',
  'edit-me': 'act.edit-me',
  'set-password': 'act.set-password',
  'end-log-in': 'act.end-log-in',
  'end-log-ins': 'act.end-log-ins',
  'log-in-passkey': 'act.log-in-passkey',
  'use-recovery-code': 'act.use-recovery-code',
  'begin-second-step': 'act.begin-second-step',
  'confirm-second-step': 'act.confirm-second-step',
  'renew-recovery-codes': 'act.renew-recovery-codes',
  'end-second-step': 'act.end-second-step',
  'add-passkey': 'act.add-passkey',
  'remove-passkey': 'act.remove-passkey',
  'rename-account': 'act.rename-account',
  'add-member': 'act.add-member',
  'set-role': 'act.set-role',
  'remove-member': 'act.remove-member',
  'invite-again': 'act.invite-again',
  'edit-brand': 'act.edit-brand',
  'put-logo': 'act.put-logo',
  'put-background': 'act.put-background',
  'make-key': 'act.make-key',
  'revoke-key': 'act.revoke-key',
  'make-webhook': 'act.make-webhook',
  'edit-webhook': 'act.edit-webhook',
  'renew-webhook': 'act.renew-webhook',
  'test-webhook': 'act.test-webhook',
  'delete-webhook': 'act.delete-webhook',
};

type Entry = Pick<AuditEntry, 'action' | 'detail' | 'actorId' | 'subject'>;

/**
 * What an entry of the audit log says was done, to whom and how, in words; the operation's own name where it has none
 * here. names are those of subjects: of one that is not known, and of the actor itself, nothing is said.
 */
export function actOf(entry: Entry, names: ReadonlyMap<string, string>, t: T): string {
  const key = acts[entry.action];
  const role = roles.find(known => known === entry.detail);
  const whom = entry.subject === `person/${entry.actorId ?? ''}` ? undefined : names.get(entry.subject);
  const detail = [whom ?? '', role ? t(`role.${role}.name`) : entry.detail]
    .filter(part => part !== '')
    .join(', ');
  const text = key === undefined ? entry.action : t(key);
  return detail === '' ? text : t('act.detail', { text, detail });
}
