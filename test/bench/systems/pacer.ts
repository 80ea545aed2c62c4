import { setImmediate } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { type Pace, takePaces } from './lifeline.ts';

/*
 * The open-loop client: requests begin by the clock, whether those before are done or not. The time of each counts from
 * when it was due: one that had to wait for a connection, or for this process, waited as its user would have.
 */

/** One request: its latency, or why there is none. */
class Call implements Dispatcher.DispatchHandler {
  readonly #latency = Promise.withResolvers<number>();
  readonly #due: number;

  constructor(due: number) {
    this.#due = due;
  }

  get latency(): Promise<number> {
    return this.#latency.promise;
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status !== 200) controller.abort(new Error(`status ${status}`));
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#latency.resolve(performance.now() - this.#due);
  }

  onResponseError(_controller: Dispatcher.DispatchController, fault: Error): void {
    this.#latency.reject(fault);
  }
}

/** Connections stay from turn to turn: opening them is not what is measured. */
const pools = new Map<string, Pool>();

function poolOf(origin: string, connections: number): Pool {
  const known = pools.get(origin);
  if (known !== undefined) return known;
  const pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
  pools.set(origin, pool);
  return pool;
}

async function pace({ url, connections, seconds, perSecond }: Pace): Promise<readonly number[]> {
  const { origin, pathname } = new URL(url);
  const pool = poolOf(origin, connections);
  const calls: Promise<number>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < seconds * perSecond; index += 1) {
    const due = startedAt + (index * 1000) / perSecond;
    // The loop stays awake: a timer would wake it up to a millisecond late, which is more than what is measured.
    while (performance.now() < due) await setImmediate();
    const call = new Call(due);
    pool.dispatch({ method: 'GET', path: pathname }, call);
    calls.push(call.latency);
  }
  return await Promise.all(calls);
}

takePaces(pace);
