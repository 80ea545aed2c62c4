import type { DoorKind } from '../pipeline/door.ts';

/** External authorisation: loaded where the configuration has `authz`. */
export const authzKind: DoorKind = {
  isFor: ({ authz }) => authz !== undefined,
  async open({ authz }) {
    if (authz === undefined) throw new Error('no proxy was named that asks');
    return (await import('./authz-door.ts')).openAuthzDoor(authz);
  },
};
