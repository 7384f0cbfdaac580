import { type ApiProblem, describe } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from './Button';
import { CopyButton } from './Copy';

/** What went wrong, in the place where it did: what happened, what holds, what to do. */
export function ProblemPanel({ problem, again }: { problem: ApiProblem; again?: () => void }) {
  const t = useT();
  const { instance } = problem.more;
  return (
    <div className="problem" role="alert">
      <p>{describe(problem, t)}</p>
      {(problem.detail !== '' || instance !== undefined) && (
        <details>
          <summary>{t('problem.details')}</summary>
          <p lang="en">{problem.detail}</p>
          {instance !== undefined && (
            <p>
              <code>{instance}</code> <CopyButton value={instance} name={t('problem.logId')} />
            </p>
          )}
        </details>
      )}
      {again && <Button onPress={again}>{t('problem.again')}</Button>}
    </div>
  );
}
