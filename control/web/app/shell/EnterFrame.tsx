import { Outlet } from '@tanstack/react-router';
import { Mark } from '../ui/Mark';
import { AwayBanner } from './AwayBanner';
import { Foot } from './Foot';
import { useT } from './words';
import styles from './EnterFrame.module.css';

/** What stands around the pages of whoever is not logged in. */
export function EnterFrame({ children }: { children?: React.ReactNode }) {
  const t = useT();
  return (
    <>
      <a className="skip button" href="#main">
        {t('skip')}
      </a>
      <Top />
      <AwayBanner />
      <main id="main" tabIndex={-1} className={`page ${styles['main'] ?? ''}`}>
        {children ?? <Outlet />}
      </main>
      <div className={styles['room']} />
      <Foot />
    </>
  );
}

/** The bar on top, with nothing in it but the way home. */
export function Top() {
  const t = useT();
  return (
    <header className="top">
      <a className="home" href="/" aria-label={t('home')}>
        <Mark />
        <span>Freshet</span>
      </a>
    </header>
  );
}
