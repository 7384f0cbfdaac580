import { type Problem } from '@freshet/player/problem';
import { type Text } from '../ui/texts';

/** The sentence for what went wrong on the way onto the air: what happened, and what to do. */
export function describe(problem: Problem, t: Text): string {
  switch (problem.kind) {
    case 'NotAllowedError':
      return t('problem.permission');
    case 'NotFoundError':
    case 'OverconstrainedError':
      return t('problem.device');
    case 'NotReadableError':
      return t('problem.deviceBusy');
    case 'insecure':
      return t('problem.insecure');
    case 'stream-unknown':
      return t('problem.stream');
    case 'codec-unsupported':
      return t('problem.codec');
    case 'backup-formats':
      return t('problem.backup');
    case 'stream-closed':
      return t('problem.closed');
    case 'unreachable':
    case 'timeout':
    case 'media':
    case 'quiet':
      return t('problem.origin');
  }
  switch (problem.status) {
    case 401:
    case 403:
      return t('problem.key');
    case 404:
      return t('problem.stream');
    case 409:
      return t('problem.taken');
    case 429:
    case 503:
      return t('problem.busy');
  }
  return problem.title;
}
