import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { type ApiProblem, asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import fieldStyles from '../ui/Field.module.css';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import {
  type BadLine,
  type NewPerson,
  type Report,
  badLinesOf,
  mostAtOnce,
  mostBytes,
  peopleIn,
  reasonOf,
} from './people';
import styles from './people.module.css';

interface Props {
  /** To what they are added, as words have it. */
  kind: 'guests' | 'contacts';
  /** Add those who were typed, or those in a file. */
  add: (people: NewPerson[]) => Promise<Report>;
  load: (file: File) => Promise<Report>;
  onAdded: () => Promise<void>;
  close: () => void;
  problemOf?: (error: unknown) => ApiProblem;
  /** What else is to be said: a list of inputs. */
  children: React.ReactNode;
}

/** Adds people: typed or pasted, or from a file; then says what became of them. */
export function PeopleForm({ kind, add, load, onAdded, close, problemOf = asApiProblem, children }: Props) {
  const t = useT();
  const id = useId();
  const [typed, setTyped] = useState('');
  const [file, setFile] = useState<File>();
  const send = useMutation({
    mutationFn: (whom: File | NewPerson[]) => (whom instanceof File ? load(whom) : add(whom)),
    onSuccess: onAdded,
  });
  const people = peopleIn(typed);
  const wrong = wrongWith(file, people.length);
  if (send.data)
    return <Done kind={kind} report={send.data} people={people.map(({ email }) => email)} close={close} />;
  return (
    <form
      className={styles['section']}
      onSubmit={submitted => {
        submitted.preventDefault();
        if (wrong === undefined && (file || people.length > 0)) send.mutate(file ?? people);
      }}
    >
      {send.error && <Refused problem={problemOf(send.error)} />}
      <div className={fieldStyles['field']}>
        <label htmlFor={`${id}-typed`}>{t('people.typed')}</label>
        <span id={`${id}-hint`} className={fieldStyles['hint']}>
          {t('people.typed.hint')}
        </span>
        <textarea
          id={`${id}-typed`}
          className={fieldStyles['input']}
          rows={5}
          value={typed}
          disabled={file !== undefined}
          aria-describedby={`${id}-hint`}
          placeholder={'ana@delta.example\nLeo Roy <leo@delta.example>'}
          spellCheck={false}
          onChange={change => {
            setTyped(change.target.value);
          }}
        />
      </div>
      <div className={fieldStyles['field']}>
        <label htmlFor={`${id}-file`}>{t('people.file')}</label>
        <span id={`${id}-file-hint`} className={fieldStyles['hint']}>
          {t('people.file.hint')}
        </span>
        <input
          id={`${id}-file`}
          className={styles['file']}
          type="file"
          accept=".csv,text/csv"
          aria-describedby={`${id}-file-hint`}
          onChange={change => {
            send.reset();
            setFile(change.target.files?.[0]);
          }}
        />
      </div>
      {children}
      {wrong !== undefined && <p className={fieldStyles['error']}>{t(wrong, { n: people.length })}</p>}
      <div className={styles['acts']}>
        <Button
          type="submit"
          look="main"
          writes
          busy={send.isPending}
          isDisabled={wrong !== undefined || (!file && people.length === 0)}
        >
          {file ? t('people.file.act') : t(`${kind}.add.act`, { n: people.length })}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </form>
  );
}

function wrongWith(file: File | undefined, typed: number): 'people.file.large' | 'people.many' | undefined {
  if (file) return file.size > mostBytes ? 'people.file.large' : undefined;
  return typed > mostAtOnce ? 'people.many' : undefined;
}

/** Of a file that has lines which are nobody's nothing is kept; which they are is what one needs to know. */
function Refused({ problem }: { problem: ApiProblem }) {
  const t = useT();
  const bad = badLinesOf(problem.fields);
  if (bad.length === 0) return <ProblemPanel problem={asApiProblem(problem)} />;
  return (
    <div className="problem" role="alert">
      <strong>{t('people.refused', { n: bad.length })}</strong>
      <Bad lines={bad} />
    </div>
  );
}

/** What became of those who were added. */
export function Done({
  kind,
  report,
  people = [],
  close,
}: {
  kind: Props['kind'];
  report: Report;
  people?: readonly string[];
  close: () => void;
}) {
  const t = useT();
  const { added, double, bad } = report;
  return (
    <div className={styles['section']}>
      <Notice kind={bad.length > 0 ? 'warn' : 'ok'}>
        <p>{t(`${kind}.report.added`, { n: added })}</p>
        {double > 0 && <p>{t('people.report.double', { n: double })}</p>}
        {bad.length > 0 && <p>{t('people.report.bad', { n: bad.length })}</p>}
      </Notice>
      {bad.length > 0 && <Bad lines={bad} of={people} />}
      <div className={styles['acts']}>
        <Button look="main" onPress={close} autoFocus>
          {t('event.close')}
        </Button>
      </div>
    </div>
  );
}

/** The lines, with what stood in them where that is known. */
function Bad({ lines, of = [] }: { lines: readonly BadLine[]; of?: readonly string[] }) {
  const t = useT();
  return (
    <ol className={styles['bad']}>
      {lines.map(({ line, reason }) => (
        <li key={line}>
          {t('people.report.line', { line })} {of[line - 1] !== undefined && <code>{of[line - 1]}</code>}{' '}
          {reasonOf(reason, t)}
        </li>
      ))}
    </ol>
  );
}
