import { Suspense, lazy, memo, useState } from 'react';
import { type MeshView } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Loading } from '../ui/Loading';
import styles from './ops.module.css';

const LiveMap = lazy(() => import('./LiveMap'));

/** The map. A phone has it behind a button, and loads it once that is pressed. */
export const MapCard = memo(function MapCard({ view }: { view: MeshView }) {
  const t = useT();
  const [wide] = useState(() => matchMedia('(min-width: 960px)').matches);
  const [shown, setShown] = useState(wide);
  if (view.nodes.length === 0) return null;
  return (
    <section aria-labelledby="map" className={styles['section']}>
      <h2 id="map">{t('ops.map')}</h2>
      {!wide && (
        <div>
          <Button
            aria-expanded={shown}
            onPress={() => {
              setShown(!shown);
            }}
          >
            {t(shown ? 'ops.map.hide' : 'ops.map.show')}
          </Button>
        </div>
      )}
      {shown && (
        <Suspense fallback={<Loading />}>
          <LiveMap view={view} />
        </Suspense>
      )}
    </section>
  );
});
