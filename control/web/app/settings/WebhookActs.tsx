import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client } from '../shell/api';
import { useOnce } from '../shell/once';
import { asApiProblem, renamed } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { ProblemPanel } from '../ui/Problem';
import { ShownOnce } from './ShownOnce';
import { WebhookDialog } from './WebhookDialog';
import { type KnownWebhook, hookChanged, hookState, hostOf } from './webhook';
import styles from './settings.module.css';

/** What can be done with a webhook. What takes something away asks first. */
export function WebhookActs({ hook }: { hook: KnownWebhook }) {
  const t = useT();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asks, setAsks] = useState<'edit' | 'off' | 'renew' | 'delete'>();
  const [secret, setSecret] = useState<string>();
  const testOnce = useOnce();
  const renewOnce = useOnce();
  const { id } = hook;
  const path = { id };
  const host = hostOf(hook.url);
  const on = hookState(hook) !== 'off';
  const changed = () => hookChanged(queries, id);
  const close = () => {
    setAsks(undefined);
    turn.reset();
    renew.reset();
    remove.reset();
  };

  const turn = useMutation({
    mutationFn: (body: { on: boolean }) =>
      client.PATCH('/api/v1/webhooks/{id}', { body, params: { path, header: { 'If-Match': [hook.etag] } } }),
    onSuccess: async () => {
      setAsks(undefined);
      await changed();
    },
    onError: changed,
  });
  const test = useMutation({
    mutationFn: () =>
      client.POST('/api/v1/webhooks/{id}/test', { params: { path, header: testOnce.header() } }),
    onSuccess: async () => {
      testOnce.done();
      await changed();
    },
    onError: changed,
  });
  const renew = useMutation({
    mutationFn: async () => {
      const { data } = await client.POST('/api/v1/webhooks/{id}/secret', {
        params: { path, header: renewOnce.header() },
      });
      return data?.secret;
    },
    onSuccess: async fresh => {
      renewOnce.done();
      setAsks(undefined);
      setSecret(fresh);
      await changed();
    },
    onError: async error => {
      if (asApiProblem(error).kind === 'shown-once') renewOnce.done();
      await changed();
    },
  });
  const remove = useMutation({
    mutationFn: () => client.DELETE('/api/v1/webhooks/{id}', { params: { path } }),
    onSuccess: async () => {
      queries.removeQueries(api.queryOptions('get', '/api/v1/webhooks')); // what is known still has it
      await navigate({ to: '/settings/webhooks' });
    },
  });
  const ask = (what: typeof asks) => () => {
    setAsks(what);
  };
  const problemOf = (error: unknown) =>
    error === null ? undefined : renamed(error, { 'shown-once': 'lost-secret' });
  const failed = asks === undefined ? (test.error ?? turn.error) : null;

  return (
    <>
      <div className={styles['acts']}>
        <Button
          look="main"
          writes
          isDisabled={!on}
          busy={test.isPending}
          onPress={() => {
            test.mutate();
          }}
        >
          {t('hook.test')}
        </Button>
        <Button writes onPress={ask('edit')}>
          {t('hook.edit')}
        </Button>
        {on ? (
          <Button writes onPress={ask('off')}>
            {t('hook.turnOff')}
          </Button>
        ) : (
          <Button
            writes
            busy={turn.isPending}
            onPress={() => {
              turn.mutate({ on: true });
            }}
          >
            {t('hook.turnOn')}
          </Button>
        )}
        <Button writes onPress={ask('renew')}>
          {t('hook.renew')}
        </Button>
        <Button writes onPress={ask('delete')}>
          {t('hook.delete')}
        </Button>
      </div>
      {!on && <p className="small muted">{t('hook.test.off')}</p>}
      {failed && <ProblemPanel problem={asApiProblem(failed)} />}
      <WebhookDialog open={asks === 'edit'} close={close} hook={hook} />
      <AskFirst
        open={asks === 'off'}
        close={close}
        title={t('hook.turnOff.ask', { host })}
        text={t('hook.turnOff.text')}
        act={t('hook.turnOff')}
        busy={turn.isPending}
        problem={problemOf(turn.error)}
        onAct={() => {
          turn.mutate({ on: false });
        }}
      />
      <AskFirst
        open={asks === 'renew'}
        close={close}
        title={t('hook.renew.ask', { host })}
        text={t('hook.renew.text')}
        act={t('hook.renew')}
        busy={renew.isPending}
        problem={problemOf(renew.error)}
        onAct={() => {
          renew.mutate();
        }}
      />
      <AskFirst
        open={asks === 'delete'}
        close={close}
        title={t('hook.delete.ask', { host })}
        text={t('hook.delete.text')}
        act={t('hook.delete.act')}
        busy={remove.isPending}
        problem={problemOf(remove.error)}
        onAct={() => {
          remove.mutate();
        }}
      />
      <ShownOnce
        value={secret}
        title={t('hook.secret.new')}
        name={t('hook.secret')}
        text={t('hook.secret.text')}
        close={() => {
          setSecret(undefined);
        }}
      />
    </>
  );
}
