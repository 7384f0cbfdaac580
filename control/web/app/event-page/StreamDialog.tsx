import { useForm } from 'react-hook-form';
import { api } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import { type EventStream, fullOf, useEvent } from './event';
import { languageChoices } from './languages';
import styles from './event-page.module.css';

interface Props {
  open: boolean;
  close: () => void;
  /** The one that gets another name; absent for a new one. */
  stream?: EventStream;
  onDone: (stream: EventStream) => void;
}

export function StreamDialog(props: Props) {
  const { t } = useWords();
  const { open, close, stream } = props;
  return (
    <Dialog
      open={open}
      close={close}
      title={stream ? t('event.stream.edit.title', { name: stream.name }) : t('event.stream.add')}
    >
      <StreamForm {...props} />
    </Dialog>
  );
}

function StreamForm({ close, stream, onDone }: Props) {
  const { t, language } = useWords();
  const event = useEvent();
  const form = useForm<{ name: string; language: string }>({
    defaultValues: { name: stream?.name ?? '', language: stream?.language ?? event.languages[0] ?? '' },
  });
  const once = useOnce();
  const add = api.useMutation('post', '/api/v1/events/{id}/streams', {
    onSuccess: onDone,
    onError: error => {
      if (asApiProblem(error).kind === 'shown-once') once.done();
    },
  });
  const edit = api.useMutation('patch', '/api/v1/events/{id}/streams/{stream}', { onSuccess: onDone });
  const error = add.error ?? edit.error;
  return (
    <Form
      form={form}
      error={error === null ? null : fullOf(error, 'full-streams')}
      onSubmit={body => {
        if (stream) edit.mutate({ body, params: { path: { id: event.id, stream: stream.id } } });
        else add.mutate({ body, params: { path: { id: event.id }, header: once.header(body) } });
      }}
      fields={{
        name: { label: t('event.stream.name'), wrong: t('field.required') },
        language: { label: t('event.stream.language'), wrong: t('field.choose') },
      }}
    >
      <Field
        control={form.control}
        name="name"
        label={t('event.stream.name')}
        hint={t('event.stream.name.hint')}
        autoComplete="off"
        maxLength={80}
      />
      <Select
        control={form.control}
        name="language"
        label={t('event.stream.language')}
        choices={[
          { value: '', name: t('event.language.none') },
          ...languageChoices(language, [...event.languages, stream?.language ?? '']),
        ]}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={add.isPending || edit.isPending}>
          {stream ? t('event.stream.save') : t('event.stream.add.act')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
