import { Link, getRouteApi } from '@tanstack/react-router';
import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { useT, useWords } from '../shell/words';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import styles from './Mailbox.module.css';

const route = getRouteApi('/outside/dev/mail');

const everyMS = 2000;

/** "/dev/mail": what a mesh on one machine would have sent, for whoever sits there. */
export function Mailbox() {
  const t = useT();
  const { language } = useWords();
  const { id } = route.useSearch();
  const mails = api.useQuery('get', '/api/v1/dev/mails', {}, { refetchInterval: everyMS });
  const when = new Intl.DateTimeFormat(localeOf(language), { dateStyle: 'medium', timeStyle: 'medium' });
  return (
    <>
      <h1>{t('mailbox.title')}</h1>
      <p className="muted">{t('mailbox.lead')}</p>
      {mails.isPending && <Loading />}
      {mails.isError && (
        <ProblemPanel problem={asApiProblem(mails.error)} again={() => void mails.refetch()} />
      )}
      {mails.data?.length === 0 && <p>{t('mailbox.empty')}</p>}
      {mails.data && mails.data.length > 0 && (
        <ol className={styles['mails']}>
          {mails.data.map(mail => (
            <li key={mail.id}>
              <Link
                to="/dev/mail"
                search={{ id: mail.id }}
                aria-current={mail.id === id ? 'true' : undefined}
              >
                {mail.subject}
              </Link>
              <span className="small muted">
                {mail.to} · <time dateTime={mail.at}>{when.format(new Date(mail.at))}</time>
              </span>
              {mail.id === id && <Open id={id} />}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** What a mail says; its links to these pages can be followed. */
function Open({ id }: { id: string }) {
  const mail = api.useQuery('get', '/api/v1/dev/mails/{id}', { params: { path: { id } } });
  if (mail.isPending) return <Loading />;
  if (mail.isError)
    return <ProblemPanel problem={asApiProblem(mail.error)} again={() => void mail.refetch()} />;
  return (
    <div className={styles['text']}>
      {mail.data.text.split(/(https?:\/\/\S+)/).map((part, i) =>
        part.startsWith(`${location.origin}/`) ? (
          <a key={i} href={part}>
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </div>
  );
}
