/** Whether writing has a chance: this browser has a network, and the database behind the API answers. */
import { useSyncExternalStore } from 'react';

let away = false;
const listeners = new Set<() => void>();

/** Keeps what the last answer said of the database. */
export function databaseAnswered(well: boolean): void {
  if (away === !well) return;
  away = !well;
  for (const listener of listeners) listener();
}

function onHealth(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useDatabaseAway(): boolean {
  return useSyncExternalStore(onHealth, () => away);
}

function onNetwork(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}

export function useOnline(): boolean {
  return useSyncExternalStore(onNetwork, () => navigator.onLine);
}
