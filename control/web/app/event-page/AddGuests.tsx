import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { api, client } from '../shell/api';
import { useOnce } from '../shell/once';
import { type ApiProblem, asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import fieldStyles from '../ui/Field.module.css';
import { Notice } from '../ui/Notice';
import { ProblemPanel } from '../ui/Problem';
import { fullOf, useEvent } from './event';
import { type BadLine, type Report, badLinesOf, guestsIn, mostAtOnce, mostBytes, reasonOf } from './guests';
import styles from './guests.module.css';

interface Props {
  open: boolean;
  close: () => void;
  onAdded: () => Promise<void>;
}

/** Puts guests on the list: typed or pasted, or from a file. */
export function AddGuests({ open, close, onAdded }: Props) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={t('guests.add')}>
      <Adding close={close} onAdded={onAdded} />
    </Dialog>
  );
}

function Adding({ close, onAdded }: Omit<Props, 'open'>) {
  const t = useT();
  const event = useEvent();
  const id = useId();
  const [typed, setTyped] = useState('');
  const [file, setFile] = useState<File>();
  const [invites, setInvites] = useState(true);
  const once = useOnce();
  const onSuccess = async () => {
    once.done();
    await onAdded();
  };
  const add = api.useMutation('post', '/api/v1/events/{id}/guests', { onSuccess });
  const load = useMutation({
    mutationFn: async (from: File): Promise<Report> => {
      const { data } = await client.POST('/api/v1/events/{id}/guests/import', {
        params: {
          path: { id: event.id },
          query: { invite: invites },
          header: once.header([from.name, from.size, from.lastModified, invites]),
        },
        body: '',
        bodySerializer: () => from,
        headers: { 'Content-Type': 'text/csv' },
      });
      if (!data) throw new TypeError('an answer without a report');
      return data;
    },
    onSuccess,
  });
  const guests = guestsIn(typed);
  const report = add.data ?? load.data;
  const wrong = wrongWith(file, guests.length);
  if (report) return <Done report={report} guests={guests.map(({ email }) => email)} close={close} />;

  const error = add.error ?? load.error;
  const problem = error ? fullOf(error, 'full-guests') : undefined;
  return (
    <form
      className={styles['section']}
      onSubmit={submitted => {
        submitted.preventDefault();
        if (wrong !== undefined) return;
        if (file) load.mutate(file);
        else if (guests.length > 0) {
          const body = { guests, invite: invites };
          add.mutate({ body, params: { path: { id: event.id }, header: once.header(body) } });
        }
      }}
    >
      {problem && <Refused problem={problem} />}
      <div className={fieldStyles['field']}>
        <label htmlFor={`${id}-typed`}>{t('guests.typed')}</label>
        <span id={`${id}-hint`} className={fieldStyles['hint']}>
          {t('guests.typed.hint')}
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
        <label htmlFor={`${id}-file`}>{t('guests.file')}</label>
        <span id={`${id}-file-hint`} className={fieldStyles['hint']}>
          {t('guests.file.hint')}
        </span>
        <input
          id={`${id}-file`}
          className={styles['file']}
          type="file"
          accept=".csv,text/csv"
          aria-describedby={`${id}-file-hint`}
          onChange={change => {
            load.reset();
            setFile(change.target.files?.[0]);
          }}
        />
      </div>
      <label className={styles['tick']}>
        <input
          type="checkbox"
          checked={invites}
          onChange={change => {
            setInvites(change.target.checked);
          }}
        />
        {t('guests.invites')}
      </label>
      {wrong !== undefined && <p className={fieldStyles['error']}>{t(wrong, { n: guests.length })}</p>}
      <div className={styles['acts']}>
        <Button
          type="submit"
          look="main"
          writes
          busy={add.isPending || load.isPending}
          isDisabled={wrong !== undefined || (!file && guests.length === 0)}
        >
          {file ? t('guests.file.act') : t('guests.add.act', { n: guests.length })}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </form>
  );
}

function wrongWith(file: File | undefined, typed: number): 'guests.file.large' | 'guests.many' | undefined {
  if (file) return file.size > mostBytes ? 'guests.file.large' : undefined;
  return typed > mostAtOnce ? 'guests.many' : undefined;
}

/** Of a file that has lines which are no guests nothing is kept; which they are is what one needs to know. */
function Refused({ problem }: { problem: ApiProblem }) {
  const t = useT();
  const bad = badLinesOf(problem.fields);
  if (bad.length === 0) return <ProblemPanel problem={asApiProblem(problem)} />;
  return (
    <div className="problem" role="alert">
      <strong>{t('guests.refused', { n: bad.length })}</strong>
      <Bad lines={bad} />
    </div>
  );
}

function Done({ report, guests, close }: { report: Report; guests: readonly string[]; close: () => void }) {
  const t = useT();
  const { added, double, bad } = report;
  return (
    <div className={styles['section']}>
      <Notice kind={bad.length > 0 ? 'warn' : 'ok'}>
        <p>{t('guests.report.added', { n: added })}</p>
        {double > 0 && <p>{t('guests.report.double', { n: double })}</p>}
        {bad.length > 0 && <p>{t('guests.report.bad', { n: bad.length })}</p>}
      </Notice>
      {bad.length > 0 && <Bad lines={bad} of={guests} />}
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
          {t('guests.report.line', { line })} {of[line - 1] !== undefined && <code>{of[line - 1]}</code>}{' '}
          {reasonOf(reason, t)}
        </li>
      ))}
    </ol>
  );
}
