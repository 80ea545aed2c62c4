import type { Plan } from '../domain/plan.ts';
import type { ReceivedRequest } from '../proxy/client.ts';
import type { Services } from './runtime.ts';

/** Another use of the public listener than to forward its requests to an API. */
export interface Door {
  /**
   * Serves one request, and answers it. Never rejects. A request to switch protocols comes as an ordinary one: no tunnel
   * leads through a door.
   */
  serve(received: ReceivedRequest, services: Services): Promise<void>;
}

/** A kind of door, which is opened where a plan asks for it. */
export interface DoorKind {
  /** Whether a plan asks for it. A gateway asks once, at its start: a reload must not change the answer. */
  isFor(plan: Plan): boolean;
  open(plan: Plan): Promise<Door>;
}
