import { memo, useState } from 'react';
import { api, type MeshNode } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import styles from './ops.module.css';

const acts = ['cordoned', 'draining', 'in'] as const;
type State = (typeof acts)[number];

interface Props extends Pick<MeshNode, 'role' | 'admin' | 'viewers' | 'streams'> {
  name: string;
  changed: () => Promise<void>;
}

/** What can be decided of a node that carries media. Each asks first. There may be a hundred, read anew each second. */
export const NodeActs = memo(function NodeActs({ name, role, admin, viewers, streams, changed }: Props) {
  const t = useT();
  const [asks, setAsks] = useState<State>();
  const [asked, setAsked] = useState<State>(); // its words stay while the dialog goes
  const decide = api.useMutation('put', '/api/v1/ops/nodes/{node}/state', {
    onSuccess: async () => {
      setAsks(undefined);
      await changed();
    },
  });
  if (role === 'control') return null;
  return (
    <div className={styles['acts']}>
      {acts
        .filter(state => state !== admin)
        .map(state => (
          <Button
            key={state}
            writes
            aria-label={t('ops.act.label', { act: t(`ops.act.${state}`), node: name })}
            onPress={() => {
              setAsked(state);
              setAsks(state);
            }}
          >
            {t(`ops.act.${state}`)}
          </Button>
        ))}
      {asked && (
        <AskFirst
          open={asks !== undefined}
          close={() => {
            setAsks(undefined);
            decide.reset();
          }}
          title={t(`ops.act.${asked}.ask`, { node: name })}
          text={t(`ops.act.${asked}.text`, { viewers, streams })}
          act={t(`ops.act.${asked}.named`, { node: name })}
          look={asked === 'draining' ? 'danger' : 'main'}
          busy={decide.isPending}
          problem={decide.isError ? asApiProblem(decide.error) : undefined}
          onAct={() => {
            decide.mutate({ params: { path: { node: name } }, body: { state: asked } });
          }}
        />
      )}
    </div>
  );
});
