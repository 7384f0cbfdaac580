import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { type Webhook, client } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem, renamed } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Checks } from '../ui/Checks';
import { Dialog } from '../ui/Dialog';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { type KnownWebhook, hookChanged, hookKinds, hookQuery } from './webhook';
import styles from './settings.module.css';

interface Props {
  open: boolean;
  close: () => void;
  /** The one that is changed; absent for a new one. */
  hook?: KnownWebhook;
  onMade?: (made: Webhook & { secret: string }) => void;
}

/** Makes a webhook, or changes one. */
export function WebhookDialog(props: Props) {
  const t = useT();
  return (
    <Dialog
      open={props.open}
      close={props.close}
      title={props.hook === undefined ? t('hooks.new') : t('hook.edit')}
    >
      <HookForm {...props} />
    </Dialog>
  );
}

type Fields = Pick<Webhook, 'url' | 'kinds'>;

function HookForm({ close, hook, onMade }: Props) {
  const t = useT();
  const queries = useQueryClient();
  const once = useOnce();
  // What the person saw when they began: a change of somebody else's meanwhile is not written over unasked.
  const [etag, setETag] = useState(hook?.etag ?? '');
  const form = useForm<Fields>({
    defaultValues: { url: hook?.url ?? 'https://', kinds: hook?.kinds ?? [...hookKinds] },
  });
  const save = useMutation({
    mutationFn: async (body: Fields) => {
      if (hook) {
        const params = { path: { id: hook.id }, header: { 'If-Match': [etag] } };
        await client.PATCH('/api/v1/webhooks/{id}', { body, params });
        await hookChanged(queries, hook.id);
        close();
        return;
      }
      const { data } = await client.POST('/api/v1/webhooks', { body, params: { header: once.header(body) } });
      if (!data) throw new TypeError('an answer without a webhook');
      onMade?.(data);
      await hookChanged(queries, data.id);
    },
    onError: async error => {
      const { kind } = asApiProblem(error);
      if (kind === 'changed' && hook)
        setETag((await queries.query({ ...hookQuery(hook.id), staleTime: 0 })).etag);
      if (kind !== 'shown-once') return;
      once.done();
      await queries.invalidateQueries({ queryKey: ['get', '/api/v1/webhooks'] });
    },
  });
  return (
    <Form
      form={form}
      error={
        save.error &&
        renamed(save.error, {
          full: 'full-webhooks',
          'shown-once': 'lost-webhook',
          changed: 'changed-webhook',
        })
      }
      onSubmit={body => {
        save.mutate(body);
      }}
      fields={{
        url: { label: t('hook.url'), wrong: t('hook.url.wrong') },
        kinds: { label: t('hook.kinds'), wrong: t('hook.kinds.wrong') },
      }}
    >
      <Field
        control={form.control}
        name="url"
        label={t('hook.url')}
        hint={t('hook.url.hint')}
        inputMode="url"
        autoComplete="off"
        maxLength={2000}
      />
      <Checks
        control={form.control}
        name="kinds"
        label={t('hook.kinds')}
        hint={t('hook.kinds.hint')}
        choices={hookKinds.map(kind => ({ value: kind, name: t(`hook.kind.${kind}`) }))}
      />
      <div className={styles['acts']}>
        <Button type="submit" look="main" writes busy={save.isPending}>
          {hook ? t('hook.save') : t('hook.make')}
        </Button>
        <Button onPress={close}>{t('cancel')}</Button>
      </div>
    </Form>
  );
}
