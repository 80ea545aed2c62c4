import type { Market } from './buyer.ts';
import { UNWATCHED } from './chain-tap.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { Kill } from './schedule.ts';
import type { World } from './world.ts';

/** When a life ends if its scheduled instant does not come, in milliseconds after it began to listen. */
const LONGEST_LIFE_MS = 4000;

/** How a life ended. */
export interface Death {
  readonly kill: Kill;
  /** Whether it ended at the scheduled instant; otherwise that instant did not come. */
  readonly onTime: boolean;
  /** Milliseconds from the process's start. */
  readonly agedMs: number;
}

/** Ends a life of the gateway at its instant. Resolves when the process is gone; rejects when it ended by itself. */
export async function execute(kill: Kill, gateway: GatewayProcess, world: World, market: Market): Promise<Death> {
  const bornAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  // The signal is sent in the same turn in which its instant is seen: nothing else happens first.
  const strike = (onTime: boolean): void => {
    resolve(onTime);
    void gateway.kill();
  };
  lieInWait(kill, world, market, () => strike(true));
  const timers: NodeJS.Timeout[] = [];
  if (kill.kind === 'boot') timers.push(setTimeout(() => strike(true), kill.ms));
  gateway.listening.then(() => {
    if (kill.kind === 'time') timers.push(setTimeout(() => strike(true), kill.ms));
    timers.push(setTimeout(() => strike(false), LONGEST_LIFE_MS));
  }, reject);
  const onTime = await promise;
  const agedMs = performance.now() - bornAt;
  for (const timer of timers) clearTimeout(timer);
  world.api.onCall = () => {};
  market.onPaidHead = () => {};
  world.tap.watch = UNWATCHED;
  await gateway.kill();
  return { kill, onTime, agedMs };
}

function lieInWait(kill: Kill, world: World, market: Market, strike: () => void): void {
  switch (kill.kind) {
    case 'boot':
    case 'time':
      return;
    case 'call':
      world.api.onCall = countdown(kill.count, strike);
      return;
    case 'answer':
      market.onPaidHead = countdown(kill.count, strike);
      return;
    case 'broadcast': {
      const isDue = countdown(kill.count, strike);
      world.tap.watch = kill.arrives
        ? { ...UNWATCHED, arrived: () => void isDue() }
        : { ...UNWATCHED, passes: () => !isDue() };
    }
  }
}

/** Acts at the `count`th call, and returns whether this was it. */
function countdown(count: number, act: () => void): () => boolean {
  let left = count;
  return () => {
    left -= 1;
    if (left === 0) act();
    return left === 0;
  };
}
