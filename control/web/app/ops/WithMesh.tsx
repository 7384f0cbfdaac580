import { api, type MeshView } from '../shell/api';
import { asApiProblem } from '../shell/problem';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';

interface Props {
  everyMS: number;
  /** again asks at once. */
  children: (view: MeshView, again: () => Promise<void>) => React.ReactNode;
}

/** What shows the mesh as it is, once it is known, and asks again from time to time. */
export function WithMesh({ everyMS, children }: Props) {
  const mesh = api.useQuery('get', '/api/v1/ops/mesh', {}, { refetchInterval: everyMS });
  const again = async () => {
    await mesh.refetch();
  };
  return (
    <>
      {mesh.isPending && <Loading />}
      {mesh.isError && <ProblemPanel problem={asApiProblem(mesh.error)} again={() => void again()} />}
      {mesh.data && children(mesh.data, again)}
    </>
  );
}
