import { FolderMinus, FolderPlus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { api } from '../shell/api';
import { useOnline } from '../shell/health';
import { useOnce } from '../shell/once';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import { Menu } from '../ui/Menu';
import { ProblemPanel } from '../ui/Problem';
import { type Contact, type Group } from './contacts';
import styles from './contacts.module.css';

interface Props {
  shown: readonly Contact[];
  chosen: ReadonlySet<string>;
  setChosen: (chosen: ReadonlySet<string>) => void;
  group: Group | undefined;
  groups: readonly Group[];
  onDone: () => Promise<void>;
}

/** Choosing all that are shown, and what is done with those who are chosen. */
export function Chosen({ shown, chosen, setChosen, group, groups, onDone }: Props) {
  const t = useT();
  const online = useOnline();
  const [asks, setAsks] = useState(false);
  const once = useOnce();
  const onSuccess = async () => {
    once.done();
    setAsks(false);
    await onDone();
  };
  const put = api.useMutation('post', '/api/v1/contact-groups/{id}/contacts', { onSuccess });
  const take = api.useMutation('post', '/api/v1/contact-groups/{id}/contacts/remove', { onSuccess });
  const remove = api.useMutation('post', '/api/v1/contacts/delete', { onSuccess });
  const body = { contacts: [...chosen] };
  const n = chosen.size;
  const others = groups.filter(({ id }) => id !== group?.id);
  const error = put.error ?? take.error;
  return (
    <>
      <div className={styles['acts']}>
        <label className={styles['tick']}>
          <input
            type="checkbox"
            checked={n === shown.length}
            onChange={change => {
              setChosen(new Set(change.target.checked ? shown.map(({ id }) => id) : []));
            }}
          />
          {n === 0 ? t('contacts.choose.all') : t('contacts.chosen', { n })}
        </label>
        {n > 0 && others.length > 0 && (
          <Menu
            name={t('contacts.put')}
            items={others.map(({ id, name }) => ({
              id,
              text: name,
              act: () => {
                put.mutate({ body, params: { path: { id }, header: once.header([id, body]) } });
              },
              disabled: !online,
            }))}
          >
            <Button busy={put.isPending}>
              <FolderPlus size={20} aria-hidden />
              {t('contacts.put')}
            </Button>
          </Menu>
        )}
        {n > 0 && group && (
          <Button
            writes
            busy={take.isPending}
            onPress={() => {
              const { id } = group;
              take.mutate({ body, params: { path: { id }, header: once.header(['out', id, body]) } });
            }}
          >
            <FolderMinus size={20} aria-hidden />
            {t('contacts.take', { name: group.name })}
          </Button>
        )}
        {n > 0 && (
          <Button
            writes
            onPress={() => {
              setAsks(true);
            }}
          >
            <Trash2 size={20} aria-hidden />
            {t('contacts.delete.chosen', { n })}
          </Button>
        )}
      </div>
      {error && <ProblemPanel problem={asApiProblem(error)} />}
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          remove.reset();
        }}
        title={t('contacts.delete.ask', { n })}
        text={t('contacts.delete.text')}
        act={t('contacts.delete.chosen', { n })}
        busy={remove.isPending}
        problem={remove.isError ? asApiProblem(remove.error) : undefined}
        onAct={() => {
          remove.mutate({ body, params: { header: once.header(body) } });
        }}
      />
    </>
  );
}
