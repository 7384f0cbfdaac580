import { useState } from 'react';
import { api, type MeshKey } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { AskFirst } from '../ui/Dialog';

interface Props {
  of: MeshKey['kind'];
  changed: () => Promise<void>;
}

/** Changes a key that nodes share, after a question. */
export function Rotate({ of, changed }: Props) {
  const t = useT();
  const [asks, setAsks] = useState(false);
  const onSuccess = async () => {
    setAsks(false);
    await changed();
  };
  const gossip = api.useMutation('post', '/api/v1/ops/gossip-keys', { onSuccess });
  const signing = api.useMutation('post', '/api/v1/ops/signing-keys', { onSuccess });
  const rotate = of === 'gossip' ? gossip : signing;
  return (
    <div>
      <Button
        writes
        onPress={() => {
          setAsks(true);
        }}
      >
        {t(`ops.log.${of}-keys`)}
      </Button>
      <AskFirst
        open={asks}
        close={() => {
          setAsks(false);
          rotate.reset();
        }}
        title={t(`ops.key.${of}.ask`)}
        text={t(`ops.key.${of}.text`)}
        act={t(`ops.log.${of}-keys`)}
        look="main"
        busy={rotate.isPending}
        problem={rotate.isError ? asApiProblem(rotate.error) : undefined}
        onAct={() => {
          rotate.mutate({});
        }}
      />
    </div>
  );
}
