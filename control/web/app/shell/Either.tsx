import { useQueryClient } from '@tanstack/react-query';
import { EnterFrame } from './EnterFrame';
import { Shell } from './Shell';
import { meQuery } from './me';

/** Around pages for whoever comes, logged in or not. */
export function Either() {
  return useQueryClient().getQueryData(meQuery.queryKey) === undefined ? <EnterFrame /> : <Shell />;
}
