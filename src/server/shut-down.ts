import type { Server } from 'node:http';
import type { Logger } from '../observe/log.ts';
import { letGo, type Parts } from './assemble.ts';
import { closeNow } from './listening.ts';
import type { PublicListener } from './public-listener.ts';

/** Time of a shutdown beyond its timeout, in milliseconds: requests that were cut write down how they ended. */
const LAST_WORDS_MS = 2000;

/** The listeners of a gateway. */
export interface Listeners {
  readonly listener: PublicListener;
  readonly admin: Server | undefined;
}

/**
 * Ends requests first, then the parts that they need; the probes answer to the end. A settlement that takes longer is
 * left to recovery, which finds its outcome: the attempt was written down before it was sent.
 */
export async function shutDown(
  parts: Parts,
  { listener, admin }: Listeners,
  withinMs: number,
  log: Logger,
): Promise<void> {
  const startedAt = performance.now();
  const finish = async (): Promise<void> => {
    await listener.drain(withinMs, (requests) => {
      if (requests > 0)
        log.warn({ requests, drainTimeoutMs: withinMs }, 'requests were cut at the end of drainTimeout');
      parts.plans.cutTunnels();
    });
    const left = Math.max(0, withinMs - (performance.now() - startedAt));
    await Promise.all([letGo(parts), parts.services.tracer?.close(left)]);
  };
  if (!(await isDoneWithin(finish(), withinMs + LAST_WORDS_MS))) {
    log.warn({ withinMs }, 'settlements that did not finish in time are left to recovery');
  }
  if (admin !== undefined) closeNow(admin);
}

async function isDoneWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
