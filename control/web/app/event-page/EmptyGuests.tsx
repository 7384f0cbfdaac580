import { api } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { AskToType } from '../ui/AskToType';
import { useEvent } from './event';

/** Takes everybody off the list, once their number was typed. */
export function EmptyGuests({
  open,
  close,
  onDone,
}: {
  open: boolean;
  close: () => void;
  onDone: () => Promise<void>;
}) {
  const t = useT();
  const event = useEvent();
  const path = { id: event.id };
  // Of all guests, whichever part of the list is looked at.
  const list = api.useQuery(
    'get',
    '/api/v1/events/{id}/guests',
    { params: { path, query: { limit: 1 } } },
    { enabled: open },
  );
  const total = list.data?.total ?? 0;
  const empty = api.useMutation('delete', '/api/v1/events/{id}/guests', {
    onSuccess: async () => {
      close();
      await onDone();
    },
    onError: () => void list.refetch(),
  });
  const error = empty.error ?? list.error;
  return (
    <AskToType
      open={open}
      close={() => {
        close();
        empty.reset();
      }}
      title={t('guests.empty.ask')}
      text={t('guests.empty.text', { n: total, title: event.title })}
      label={t('guests.empty.type')}
      wanted={String(total)}
      act={t('guests.empty.act')}
      busy={empty.isPending || list.isPending}
      problem={error ? asApiProblem(error) : undefined}
      onAct={() => {
        empty.mutate({ body: { count: total }, params: { path } });
      }}
    />
  );
}
