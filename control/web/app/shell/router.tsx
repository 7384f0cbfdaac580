/** The addresses of the shell, each with the chunk of its page. */
import { type QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { Loading } from '../ui/Loading';
import { Either } from './Either';
import { EnterFrame } from './EnterFrame';
import { Failed, NotFound, Waiting } from './Failed';
import { Shell } from './Shell';
import { type EventKind } from './api';
import { searchOf } from '../calendar/agenda';
import { searchOf as contactsOf } from '../contacts/contacts';
import { kindOf } from '../calendar/draft';
import { loadEvent } from '../event-page/event';
import { searchOf as guestsOf } from '../event-page/guests';
import { loadHook } from '../settings/webhook';
import { mustLogIn } from './guard';
import { lookForMe, meQuery } from './me';
import { type Key, type T } from './words';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    title?: Key;
  }
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  notFoundComponent: NotFound,
  errorComponent: Failed,
});

/** Pages for whoever is not logged in. */
const outside = createRoute({ getParentRoute: () => root, id: 'outside', component: EnterFrame });

const setUp = createRoute({
  getParentRoute: () => outside,
  path: '/setup',
  component: lazyRouteComponent(() => import('../enter/SetUp'), 'SetUp'),
  staticData: { title: 'setUp.title' },
});

const logIn = createRoute({
  getParentRoute: () => outside,
  path: '/login',
  component: lazyRouteComponent(() => import('../enter/LogIn'), 'LogIn'),
  staticData: { title: 'logIn.title' },
  validateSearch: (
    search: Record<string, unknown>,
  ): { to?: string; by?: 'password'; sent?: true; step?: true } => ({
    ...(typeof search['to'] === 'string' ? { to: search['to'] } : {}),
    ...(search['by'] === 'password' ? { by: 'password' } : {}),
    ...(search['sent'] === true ? { sent: true } : {}),
    ...(search['step'] === true ? { step: true } : {}),
  }),
});

const logInLink = createRoute({
  getParentRoute: () => outside,
  path: '/login/link/$token',
  component: lazyRouteComponent(() => import('../enter/LogInLink'), 'LogInLink'),
  staticData: { title: 'logIn.title' },
});

const signUp = createRoute({
  getParentRoute: () => outside,
  path: '/signup',
  component: lazyRouteComponent(() => import('../enter/SignUp'), 'SignUp'),
  staticData: { title: 'signUp.title' },
});

const signUpLink = createRoute({
  getParentRoute: () => outside,
  path: '/signup/$token',
  component: lazyRouteComponent(() => import('../enter/SignUpLink'), 'SignUpLink'),
  staticData: { title: 'signUp.title' },
});

const reset = createRoute({
  getParentRoute: () => outside,
  path: '/reset',
  component: lazyRouteComponent(() => import('../enter/Reset'), 'Reset'),
  staticData: { title: 'reset.title' },
});

const resetLink = createRoute({
  getParentRoute: () => outside,
  path: '/reset/$token',
  component: lazyRouteComponent(() => import('../enter/ResetLink'), 'ResetLink'),
  staticData: { title: 'reset.title' },
});

const invite = createRoute({
  getParentRoute: () => outside,
  path: '/invite/$token',
  component: lazyRouteComponent(() => import('../enter/Invite'), 'Invite'),
  staticData: { title: 'invite.title' },
});

const mailbox = createRoute({
  getParentRoute: () => outside,
  path: '/dev/mail',
  component: lazyRouteComponent(() => import('../dev/Mailbox'), 'Mailbox'),
  staticData: { title: 'mailbox.title' },
  validateSearch: (search: Record<string, unknown>): { id?: string } =>
    typeof search['id'] === 'string' ? { id: search['id'] } : {},
});

/** Pages for whoever comes. */
const either = createRoute({
  getParentRoute: () => root,
  id: 'either',
  component: Either,
  pendingComponent: Waiting,
  beforeLoad: ({ context }) => lookForMe(context.queries),
});

const newOrder = createRoute({
  getParentRoute: () => either,
  path: '/orders/new',
  component: lazyRouteComponent(() => import('../order/NewOrder'), 'NewOrder'),
  staticData: { title: 'order.new' },
});

/** Pages for whoever is logged in; others are sent to log in first, and come back. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  pendingComponent: Waiting,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.query({ ...meQuery, staleTime: 'static' });
    } catch (thrown) {
      if (!mustLogIn(thrown)) throw thrown;
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how the router is told to go elsewhere
      throw redirect({ to: '/login', search: { to: location.href } });
    }
  },
});

const calendar = createRoute({
  getParentRoute: () => inside,
  path: '/calendar',
  component: lazyRouteComponent(() => import('../calendar/Calendar'), 'Calendar'),
  staticData: { title: 'calendar.title' },
  validateSearch: searchOf,
});

const newEvent = createRoute({
  getParentRoute: () => inside,
  path: '/events/new',
  component: lazyRouteComponent(() => import('../calendar/NewEvent'), 'NewEvent'),
  staticData: { title: 'newEvent.title' },
  validateSearch: (search: Record<string, unknown>): { kind?: EventKind } => {
    const kind = kindOf(search['kind']);
    return kind === undefined ? {} : { kind };
  },
});

const event = createRoute({
  getParentRoute: () => inside,
  path: '/events/$id',
  component: lazyRouteComponent(() => import('../event-page/EventPage'), 'EventPage'),
  staticData: { title: 'event.title' },
  loader: ({ context, params }) => loadEvent(context.queries, params.id),
});

const eventOverview = createRoute({
  getParentRoute: () => event,
  path: '/',
  component: lazyRouteComponent(() => import('../event-page/Overview'), 'Overview'),
});

const eventEdit = createRoute({
  getParentRoute: () => event,
  path: '/edit',
  component: lazyRouteComponent(() => import('../event-page/Edit'), 'Edit'),
});

const eventUsers = createRoute({
  getParentRoute: () => event,
  path: '/users',
  component: lazyRouteComponent(() => import('../event-page/Users'), 'Users'),
});

const eventOrder = createRoute({
  getParentRoute: () => event,
  path: '/order',
  component: lazyRouteComponent(() => import('../order/Order'), 'Order'),
});

const eventAccess = createRoute({
  getParentRoute: () => event,
  path: '/access',
  component: lazyRouteComponent(() => import('../event-page/Access'), 'Access'),
});

const eventGuests = createRoute({
  getParentRoute: () => event,
  path: '/guests',
  component: lazyRouteComponent(() => import('../event-page/Guests'), 'Guests'),
  validateSearch: guestsOf,
});

const contacts = createRoute({
  getParentRoute: () => inside,
  path: '/contacts',
  component: lazyRouteComponent(() => import('../contacts/Contacts'), 'Contacts'),
  staticData: { title: 'contacts.title' },
  validateSearch: contactsOf,
});

const contactGroup = createRoute({
  getParentRoute: () => inside,
  path: '/contacts/groups/$id',
  component: lazyRouteComponent(() => import('../contacts/Contacts'), 'ContactsOfGroup'),
  staticData: { title: 'contacts.title' },
  validateSearch: contactsOf,
});

const ops = createRoute({
  getParentRoute: () => inside,
  path: '/ops',
  component: lazyRouteComponent(() => import('../ops/Ops'), 'Ops'),
  staticData: { title: 'ops.title' },
});

const opsSession = createRoute({
  getParentRoute: () => inside,
  path: '/ops/sessions/$id',
  component: lazyRouteComponent(() => import('../ops/Session'), 'Session'),
  staticData: { title: 'ops.why.title' },
});

const opsLinks = createRoute({
  getParentRoute: () => inside,
  path: '/ops/links',
  component: lazyRouteComponent(() => import('../ops/Links'), 'Links'),
  staticData: { title: 'ops.links' },
});

const opsIdentity = createRoute({
  getParentRoute: () => inside,
  path: '/ops/identity',
  component: lazyRouteComponent(() => import('../ops/Identity'), 'Identity'),
  staticData: { title: 'ops.identity' },
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  beforeLoad: ({ location }) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how the router is told to go elsewhere
    if (location.pathname.replace(/\/$/, '') === '/settings') throw redirect({ to: '/settings/profile' });
  },
});

const profile = createRoute({
  getParentRoute: () => settings,
  path: '/profile',
  component: lazyRouteComponent(() => import('../settings/Profile'), 'Profile'),
  staticData: { title: 'profile.title' },
});

const security = createRoute({
  getParentRoute: () => settings,
  path: '/security',
  component: lazyRouteComponent(() => import('../settings/Security'), 'Security'),
  staticData: { title: 'security.title' },
});

const members = createRoute({
  getParentRoute: () => settings,
  path: '/members',
  component: lazyRouteComponent(() => import('../settings/Members'), 'Members'),
  staticData: { title: 'members.title' },
});

const audit = createRoute({
  getParentRoute: () => settings,
  path: '/audit',
  component: lazyRouteComponent(() => import('../settings/Audit'), 'Audit'),
  staticData: { title: 'audit.title' },
  validateSearch: (search: Record<string, unknown>): { cursor?: number } =>
    Number.isSafeInteger(search['cursor']) && Number(search['cursor']) > 0
      ? { cursor: Number(search['cursor']) }
      : {},
});

const keys = createRoute({
  getParentRoute: () => settings,
  path: '/api-keys',
  component: lazyRouteComponent(() => import('../settings/Keys'), 'Keys'),
  staticData: { title: 'keys.title' },
});

const webhooks = createRoute({
  getParentRoute: () => settings,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('../settings/Webhooks'), 'Webhooks'),
  staticData: { title: 'hooks.title' },
});

const webhook = createRoute({
  getParentRoute: () => settings,
  path: '/webhooks/$id',
  component: lazyRouteComponent(() => import('../settings/WebhookPage'), 'WebhookPage'),
  staticData: { title: 'hook.title' },
  loader: ({ context, params }) => loadHook(context.queries, params.id),
});

const look = createRoute({
  getParentRoute: () => settings,
  path: '/look',
  component: lazyRouteComponent(() => import('../settings/Look'), 'Look'),
  staticData: { title: 'look.title' },
});

const tree = root.addChildren([
  outside.addChildren([setUp, logIn, logInLink, signUp, signUpLink, reset, resetLink, invite, mailbox]),
  either.addChildren([newOrder]),
  inside.addChildren([
    calendar,
    newEvent,
    event.addChildren([eventOverview, eventEdit, eventAccess, eventGuests, eventUsers, eventOrder]),
    contacts,
    contactGroup,
    ops,
    opsSession,
    opsLinks,
    opsIdentity,
    settings.addChildren([profile, security, members, look, keys, webhooks, webhook, audit]),
  ]),
]);

/** Makes the router; the document's title follows the page. */
export function makeRouter(queries: QueryClient, t: T) {
  const router = createRouter({
    routeTree: tree,
    context: { queries },
    defaultPendingComponent: Loading,
    defaultPendingMs: 200,
    defaultErrorComponent: Failed,
    scrollRestoration: false,
  });
  router.subscribe('onBeforeLoad', ({ toLocation }) => {
    const title = router
      .matchRoutes(toLocation.pathname, toLocation.search)
      .findLast(match => match.staticData.title)?.staticData.title;
    document.title = title ? `${t(title)} · Freshet` : 'Freshet';
  });
  router.subscribe('onResolved', ({ pathChanged, fromLocation }) => {
    if (!pathChanged || !fromLocation) return;
    scrollTo(0, 0);
    document.getElementById('main')?.focus({ preventScroll: true }); // readers are told that this is another page
  });
  return router;
}
