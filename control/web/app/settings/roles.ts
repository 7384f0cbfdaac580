import { type Role } from '../shell/api';

/** The mightiest first. */
export const roles: readonly Role[] = ['owner', 'organizer', 'collaborator', 'presenter'];
