import { Link } from '@tanstack/react-router';
import { useMe } from '../shell/me';
import { useT } from '../shell/words';

interface Props {
  title: string;
  /** A page below the console, with a way back to it. */
  below?: boolean;
  children: React.ReactNode;
}

/** A page for whoever operates the installation; others are told so. */
export function OpsOnly({ title, below = false, children }: Props) {
  const t = useT();
  const { ops } = useMe();
  return (
    <>
      {ops && below && (
        <p>
          <Link to="/ops">{t('ops.title')}</Link>
        </p>
      )}
      <h1>{title}</h1>
      {ops ? children : <p>{t('ops.refused')}</p>}
    </>
  );
}
