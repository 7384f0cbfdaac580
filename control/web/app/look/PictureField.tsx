import { useMutation } from '@tanstack/react-query';
import { ImageUp, Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { type ApiProblem, asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { ProblemPanel } from '../ui/Problem';
import { type Part } from './LookEditor';
import { type Picture, editLook, mostBytes, pictureTypes, sendPicture } from './look';
import styles from './look.module.css';

/** One picture of a look: what is shown, and the ways to give another or to take it away. */
export function PictureField({
  picture,
  subject,
  level: Heading,
  look,
  keep,
  read,
}: Part & { picture: Picture }) {
  const { t, language } = useWords();
  const heading = useId();
  /** Of what is being sent, in percent. */
  const [sent, setSent] = useState(0);
  /** A file that is not sent, since it would not be taken. */
  const [large, setLarge] = useState<number>();
  const own = look[picture];
  const shown = own ?? look.shown[picture];
  const onError = (thrown: unknown) => {
    if (asApiProblem(thrown).kind === 'changed') read();
  };
  const send = useMutation({
    mutationFn: (file: File) =>
      sendPicture(subject, picture, file, look.etag, share => {
        setSent(Math.round(share * 100));
      }),
    onSuccess: keep,
    onError,
  });
  const remove = useMutation({
    mutationFn: () => editLook(subject, { [picture]: null }, look.etag),
    onSuccess: keep,
    onError,
  });
  const choose = (files: FileList | null) => {
    const file = files?.[0];
    if (!file) return;
    send.reset();
    remove.reset();
    const fits = file.size <= mostBytes[picture];
    setLarge(fits ? undefined : file.size);
    setSent(0);
    if (fits) send.mutate(file);
  };
  const size = (bytes: number) => sizeOf(bytes, localeOf(language));
  const failed = send.isError ? send.error : remove.isError ? remove.error : undefined;
  return (
    <section className={styles['part']} aria-labelledby={heading}>
      <div>
        <Heading id={heading}>{t(`look.${picture}`)}</Heading>
        <p className="small muted">{t(`look.${picture}.hint`, { limit: size(mostBytes[picture]) })}</p>
      </div>
      {shown ? (
        <div className={styles[picture]}>
          <img src={shown.url} alt={t(`look.${picture}.alt`, { name: look.shown.name })} />
        </div>
      ) : null}
      {!own && (
        <p>{t(shown ? 'look.accounts' : picture === 'logo' ? 'look.logo.none' : 'look.background.none')}</p>
      )}
      {large !== undefined && (
        <div className="problem" role="alert">
          <p>{t('look.large', { size: size(large), limit: size(mostBytes[picture]) })}</p>
        </div>
      )}
      {failed !== undefined && failed !== null && <Refused problem={asApiProblem(failed)} />}
      {send.isPending && (
        <div className={styles['progress']}>
          <progress max={100} value={sent} aria-label={t('look.sending')} />
          <span className="figure">{t('look.sending.percent', { n: sent })}</span>
        </div>
      )}
      <div className={styles['acts']}>
        <FileTrigger acceptedFileTypes={pictureTypes} onSelect={choose}>
          <Button writes busy={send.isPending}>
            <ImageUp size={20} aria-hidden />
            {t(own ? `look.${picture}.other` : `look.${picture}.choose`)}
          </Button>
        </FileTrigger>
        {own && (
          <Button
            writes
            busy={remove.isPending}
            onPress={() => {
              remove.mutate();
            }}
          >
            <Trash2 size={20} aria-hidden />
            {t(`look.${picture}.remove`)}
          </Button>
        )}
        <span role="status">{send.isSuccess || remove.isSuccess ? t('saved') : ''}</span>
      </div>
    </section>
  );
}

/** What the server did not take, in the words of pictures. */
function Refused({ problem }: { problem: ApiProblem }) {
  const { t } = useWords();
  if (problem.kind !== 'invalid' && problem.kind !== 'content-type' && problem.kind !== 'too-large')
    return <ProblemPanel problem={problem} />;
  return (
    <div className="problem" role="alert">
      <p>{t('look.refused')}</p>
    </div>
  );
}

function sizeOf(bytes: number, locale: string): string {
  const [unit, n] =
    bytes < 1024 * 1024 ? (['kilobyte', 1024] as const) : (['megabyte', 1024 * 1024] as const);
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 }).format(bytes / n);
}
