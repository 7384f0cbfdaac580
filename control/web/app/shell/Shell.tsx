import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouter, useRouterState } from '@tanstack/react-router';
import {
  Building2,
  CalendarDays,
  ChevronDown,
  Contact,
  KeyRound,
  LogOut,
  Network,
  Palette,
  ScrollText,
  Settings,
  Shield,
  UserRound,
  UsersRound,
  Webhook,
} from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Button } from '../ui/Button';
import { Mark } from '../ui/Mark';
import { Menu } from '../ui/Menu';
import { ProblemPanel } from '../ui/Problem';
import { AwayBanner } from './AwayBanner';
import { Foot } from './Foot';
import { api, client } from './api';
import { may } from './guard';
import { meQuery, useMe } from './me';
import { asApiProblem } from './problem';
import { useT } from './words';
import styles from './Shell.module.css';

/** What stands around the pages of whoever is logged in: top bar, the places there are, the foot. */
export function Shell() {
  const t = useT();
  return (
    <>
      <a className="skip button" href="#main">
        {t('skip')}
      </a>
      <header className={`top ${styles['top'] ?? ''}`}>
        <a className="home" href="/" aria-label={t('home')}>
          <Mark />
          <span className={styles['name']}>Freshet</span>
        </a>
        <AccountName />
        <TopPlaces />
        <span className="space" />
        <NameMenu />
      </header>
      <AwayBanner />
      <div className={`page ${styles['body'] ?? ''}`}>
        <Places />
        <main id="main" tabIndex={-1} className={styles['main']}>
          <Outlet />
        </main>
      </div>
      <Foot className={styles['foot']} />
    </>
  );
}

/** The account that is shown; a switch where the person has several. */
function AccountName() {
  const t = useT();
  const me = useMe();
  const queries = useQueryClient();
  const router = useRouter();
  const show = api.useMutation('put', '/api/v1/me/account', {
    onSuccess: async () => {
      await queries.refetchQueries(meQuery);
      await queries.resetQueries({ predicate: query => query.queryKey[0] !== meQuery.queryKey[0] });
      await router.invalidate();
    },
  });
  if (!me.account) return null;
  if (me.accounts.length < 2) return <span className={styles['account']}>{me.account.name}</span>;
  return (
    <Menu
      name={t('account.switch')}
      items={me.accounts.map(({ id, name }) => ({
        id,
        text: id === me.account?.id ? t('account.shown', { name }) : name,
        icon: <Building2 size={18} />,
        act: () => {
          show.mutate({ body: { account: id } });
        },
      }))}
    >
      <Button look="quiet" busy={show.isPending}>
        <span className={styles['account']}>{me.account.name}</span>
        <ChevronDown size={18} />
      </Button>
    </Menu>
  );
}

function NameMenu() {
  const t = useT();
  const me = useMe();
  const queries = useQueryClient();
  const router = useRouter();
  const logOut = useMutation({
    mutationFn: () => client.POST('/api/v1/log-out'),
    onSuccess: async () => {
      await router.navigate({ to: '/login' });
      queries.clear();
    },
  });
  const name = me.name === '' ? me.email : me.name;
  return (
    <>
      <Menu
        name={name}
        items={[
          {
            id: 'profile',
            text: t('profile.title'),
            icon: <UserRound size={18} />,
            act: () => void router.navigate({ to: '/settings/profile' }),
          },
          {
            id: 'log-out',
            text: t('logOut'),
            icon: <LogOut size={18} />,
            act: () => {
              logOut.mutate();
            },
          },
        ]}
      >
        <Button look="quiet" busy={logOut.isPending}>
          <span className={styles['avatar']} aria-hidden>
            {name.slice(0, 1).toUpperCase()}
          </span>
          <span className={styles['person']}>{name}</span>
          <ChevronDown size={18} />
        </Button>
      </Menu>
      {logOut.isError && <ProblemPanel problem={asApiProblem(logOut.error)} />}
    </>
  );
}

/** The places there are, on wider screens. */
function TopPlaces() {
  const t = useT();
  const me = useMe();
  const inSettings = useInSettings();
  const icon = { size: 20, 'aria-hidden': true } as const;
  return (
    <nav className={styles['topPlaces']} aria-label={t('nav.title')}>
      <Link to="/calendar" activeOptions={{ includeSearch: false }}>
        <CalendarDays {...icon} />
        {t('calendar.title')}
      </Link>
      {may(me, 'see-contacts') && (
        <Link to="/contacts" activeOptions={{ includeSearch: false }}>
          <Contact {...icon} />
          {t('contacts.title')}
        </Link>
      )}
      {me.ops && (
        <Link to="/ops">
          <Network {...icon} />
          {t('ops.title')}
        </Link>
      )}
      <Link to="/settings/profile" aria-current={inSettings ? 'true' : undefined}>
        <Settings {...icon} />
        {t('settings.title')}
      </Link>
    </nav>
  );
}

function useInSettings(): boolean {
  return useRouterState({ select: ({ location }) => location.pathname.startsWith('/settings') });
}

/**
 * A bar at the foot on phones: the places there are, and on the pages of settings those of settings. On wider screens a
 * column, on the pages of settings alone. What the role does not allow is not there.
 */
function Places() {
  const t = useT();
  const me = useMe();
  const inSettings = useInSettings();
  const icon = { size: 20, 'aria-hidden': true } as const;
  const bar = useRef<HTMLUListElement>(null);
  const { pathname } = useRouterState({ select: ({ location }) => location });
  useEffect(() => {
    // The bar of a phone may hold more than it shows at once.
    const here = bar.current?.querySelector('[aria-current="page"]')?.getBoundingClientRect();
    const all = bar.current?.getBoundingClientRect();
    if (here && all) bar.current?.scrollBy(here.x + here.width / 2 - all.x - all.width / 2, 0);
  }, [pathname]);
  return (
    <nav
      className={`${styles['places'] ?? ''} ${inSettings ? '' : (styles['elsewhere'] ?? '')}`}
      aria-label={t('settings.title')}
    >
      <ul ref={bar}>
        <li className={styles['bar']}>
          <Link to="/calendar" activeOptions={{ includeSearch: false }}>
            <CalendarDays {...icon} />
            {t('calendar.title')}
          </Link>
        </li>
        {may(me, 'see-contacts') && (
          <li className={styles['bar']}>
            <Link to="/contacts" activeOptions={{ includeSearch: false }}>
              <Contact {...icon} />
              {t('contacts.title')}
            </Link>
          </li>
        )}
        {me.ops && (
          <li className={`${styles['bar'] ?? ''} ${styles['outside'] ?? ''}`}>
            <Link to="/ops">
              <Network {...icon} />
              {t('ops.title')}
            </Link>
          </li>
        )}
        <li className={`${styles['bar'] ?? ''} ${styles['outside'] ?? ''}`}>
          <Link to="/settings/profile">
            <Settings {...icon} />
            {t('settings.title')}
          </Link>
        </li>
        <li>
          <Link to="/settings/profile">
            <UserRound {...icon} />
            {t('profile.title')}
          </Link>
        </li>
        <li>
          <Link to="/settings/security">
            <Shield {...icon} />
            {t('security.title')}
          </Link>
        </li>
        {may(me, 'see-members') && (
          <li>
            <Link to="/settings/members">
              <UsersRound {...icon} />
              {t('members.title')}
            </Link>
          </li>
        )}
        {may(me, 'edit-account') && (
          <li>
            <Link to="/settings/look">
              <Palette {...icon} />
              {t('look.title')}
            </Link>
          </li>
        )}
        {may(me, 'edit-keys') && (
          <li>
            <Link to="/settings/api-keys">
              <KeyRound {...icon} />
              {t('keys.title')}
            </Link>
          </li>
        )}
        {may(me, 'edit-webhooks') && (
          <li>
            <Link to="/settings/webhooks">
              <Webhook {...icon} />
              {t('hooks.title')}
            </Link>
          </li>
        )}
        {may(me, 'see-audit') && (
          <li>
            <Link to="/settings/audit">
              <ScrollText {...icon} />
              {t('audit.title')}
            </Link>
          </li>
        )}
      </ul>
    </nav>
  );
}
