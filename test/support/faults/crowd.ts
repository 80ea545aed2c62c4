import { generatePrivateKey } from 'viem/accounts';
import type { TestGateway } from '../gateway.ts';
import { encodePayment, handSigned } from '../payment-header.ts';

/** One answer that a crowd got. */
export interface Turn {
  readonly path: string;
  /** What the request paid with; `undefined` for one without a payment. */
  readonly nonce: string | undefined;
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: boolean;
  /** Whether it states the price again. */
  readonly offer: boolean;
  /** What {@link Crowd.phase} was when the request went out and when its answer was in; equal for most. */
  readonly from: string;
  readonly to: string;
}

/** How long payments are good, in seconds. */
const GOOD_FOR_SECONDS = 300;

/** Buyers and readers who ask without a pause. A buyer who gets no answer sends the same payment again until there is one. */
export class Crowd {
  /** What is going on now, for {@link Turn}. */
  phase = 'before';
  readonly turns: Turn[] = [];
  /** Requests of payments that have no answer yet. */
  readonly open = new Set<() => Promise<Turn>>();
  readonly #gateway: TestGateway;
  readonly #asking: Promise<void>[] = [];
  #stopped = false;

  constructor(gateway: TestGateway) {
    this.#gateway = gateway;
  }

  /** Begins to ask for each of the paths; `priced` ones by their route's name. */
  start(free: readonly string[], priced: ReadonlyMap<string, string>): void {
    for (const path of free) this.#asking.push(this.#keepAsking(async () => void (await this.#ask(path))));
    for (const [route, path] of priced) this.#asking.push(this.#keepAsking(() => this.#buy(route, path)));
  }

  /** Resolves after so many more answers to every path, as far as `counts` says that they count. */
  async answers(paths: readonly string[], each: number, counts: (turn: Turn) => boolean): Promise<void> {
    const seen = (path: string): number => this.turns.filter((turn) => turn.path === path && counts(turn)).length;
    while (paths.some((path) => seen(path) < each)) await this.#nextTurn.promise;
  }

  /** Ends after the requests under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#asking);
  }

  /** Sends every payment that has no answer yet once more. */
  async sendAgain(): Promise<Turn[]> {
    return await Promise.all([...this.open].map((send) => send()));
  }

  #nextTurn = Promise.withResolvers<void>();

  async #keepAsking(ask: () => Promise<void>): Promise<void> {
    while (!this.#stopped) await ask();
  }

  async #buy(route: string, path: string): Promise<void> {
    const price = this.#gateway.plan.routes.find(({ name }) => name === route)?.prices[0];
    const offer = price?.kind === 'priced' ? price.offers[0] : undefined;
    if (offer === undefined) throw new Error(`no price for ${route}`);
    const validBefore = String(Math.floor(Date.now() / 1000) + GOOD_FOR_SECONDS);
    const signed = await handSigned(
      generatePrivateKey(),
      { ...offer.requirements },
      { authorization: { validBefore } },
    );
    const header = encodePayment(signed);
    const send = (): Promise<Turn> => this.#ask(path, { 'PAYMENT-SIGNATURE': header }, signed.authorization['nonce']);
    this.open.add(send);
    while ((await send()).status !== 200) if (this.#stopped) return;
    this.open.delete(send);
  }

  async #ask(path: string, headers: Record<string, string> = {}, nonce?: string): Promise<Turn> {
    const from = this.phase;
    const response = await fetch(this.#gateway.url + path, { headers });
    const text = await response.text();
    const problem = response.headers.get('content-type') === 'application/problem+json';
    const turn: Turn = {
      path,
      nonce,
      status: response.status,
      code: problem ? JSON.parse(text).code : undefined,
      retryAfter: response.headers.has('retry-after'),
      offer: response.headers.has('payment-required'),
      from,
      to: this.phase,
    };
    this.turns.push(turn);
    this.#nextTurn.resolve();
    this.#nextTurn = Promise.withResolvers();
    return turn;
  }
}
