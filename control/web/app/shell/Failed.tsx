import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { EnterFrame, Top } from './EnterFrame';
import { asApiProblem } from './problem';
import { useT } from './words';

/** A page that could not be shown, and how to try again. */
export function Failed({ error, reset }: ErrorComponentProps) {
  const t = useT();
  const router = useRouter();
  return (
    <EnterFrame>
      <h1>{t('failed.heading')}</h1>
      <ProblemPanel
        problem={asApiProblem(error)}
        again={() => {
          reset();
          void router.invalidate();
        }}
      />
    </EnterFrame>
  );
}

/** Before it is known who is logged in. */
export function Waiting() {
  return (
    <>
      <Top />
      <main className="page">
        <Loading />
      </main>
    </>
  );
}

export function NotFound() {
  const t = useT();
  return (
    <EnterFrame>
      <h1>{t('notFound.heading')}</h1>
      <p>{t('notFound.text')}</p>
      <p>
        <a className="button" href="/">
          {t('home')}
        </a>
      </p>
    </EnterFrame>
  );
}
