import { useOnline } from './health';
import { type ApiProblem } from './problem';
import { useWhen } from './when';
import { useT } from './words';
import { ProblemPanel } from '../ui/Problem';
import styles from './Known.module.css';

interface Props {
  /** When the data came, in ms since 1970. */
  at: number;
  /** Why nothing newer came. */
  problem: ApiProblem | undefined;
  again: () => void;
  children: React.ReactNode;
}

/** What was read last; dimmed with its age where nothing newer can be had. */
export function Known({ at, problem, again, children }: Props) {
  const t = useT();
  const when = useWhen();
  const old = !useOnline() || problem !== undefined;
  return (
    <>
      {problem && <ProblemPanel problem={problem} again={again} />}
      {old && <p className="small muted">{t('known.since', { time: when(at) })}</p>}
      <div className={old ? styles['old'] : undefined}>{children}</div>
    </>
  );
}
