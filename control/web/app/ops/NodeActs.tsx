import { useState } from 'react';
import { api, type MeshNode } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';
import styles from './ops.module.css';

const acts = ['cordoned', 'draining', 'in'] as const;
type State = (typeof acts)[number];

/** What can be decided of a node that carries media. Each asks first. */
export function NodeActs({ node, changed }: { node: MeshNode; changed: () => Promise<void> }) {
  const t = useT();
  const [asks, setAsks] = useState<State>();
  const [asked, setAsked] = useState<State>('in'); // its words stay while the dialog goes
  const decide = api.useMutation('put', '/api/v1/ops/nodes/{node}/state', {
    onSuccess: async () => {
      setAsks(undefined);
      await changed();
    },
  });
  if (node.role === 'control') return null;
  const { node: name, viewers, streams } = node;
  return (
    <div className={styles['acts']}>
      {acts
        .filter(state => state !== node.admin)
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
    </div>
  );
}
