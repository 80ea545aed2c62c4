import type { Answer } from '../domain/answer.ts';
import type { Charge, HeldReading } from '../domain/answer-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { transactionOf } from '../domain/receipt.ts';
import { clientGroup } from '../proxy/client-address.ts';
import type { LastPart, Passage } from '../proxy/passage.ts';
import type { BodyRoom, RelayOutcome } from '../proxy/upstream-response.ts';
import { challengedOf, faultAnswer, refusalAnswer } from './answer.ts';
import { charge } from './charge.ts';
import { keepRead, writeDelivery } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { endOf, relay } from './forward.ts';
import type { Waiting } from './read-answer.ts';
import { toldOf } from './refusal.ts';
import type { Services } from './runtime.ts';
import { type Served, served } from './stages.ts';
import { asked } from './stream-charge.ts';

/** A payment with the upstream's answer, whose head has come. */
type HeldPayment = Omit<Waiting, 'ends'>;

/**
 * Serves an answer of which a part goes out as it comes, and what is sold of it when the money has moved. The payment stays at
 * `forwarding` until the API's answer is complete, and goes the way of a whole answer from there on. An API that says
 * nothing for the route's timeout is given up: a payment is held meanwhile.
 *
 * A crash before the charge, a buyer who leaves and an API that breaks off release the payment: nothing that is sold went out.
 */
export async function serveHeld(
  request: RoutedRequest,
  payment: HeldPayment,
  reading: HeldReading,
  services: Services,
): Promise<Served> {
  const { head, runtime, client, route } = request;
  const { claimed, response } = payment;
  const room = services.limiters.bodies.hold(
    runtime.plan.limits.bodiesInMemory,
    clientGroup(head, runtime.trustedPeers),
  );
  client.onOver(room.release);
  const timer = setTimeout(() => response.cut(new GatewayError('upstream_timeout')), route.timeoutMs);
  const passage = new HeldCharge(request, payment, { reading, room, services, heard: () => timer.refresh() });
  let outcome: RelayOutcome = { kind: 'upstream_broke' };
  try {
    outcome = await relay(request, response, true, [], { passage, length: undefined });
  } finally {
    clearTimeout(timer);
    if (!passage.hasEnded) await claimed.move({ to: 'released', reason: 'the answer broke off before it was charged' });
  }
  return await passage.outcomeOf(outcome);
}

/** How what was held was let go. */
type HeldEnd = 'charged' | 'unpaid' | 'refused' | 'failed';

interface HeldTerms {
  readonly reading: HeldReading;
  readonly room: BodyRoom;
  readonly services: Services;
  /** Is told of each part of the answer. */
  readonly heard: () => void;
}

/** Lets out what is free, and charges what was held when the answer is complete. */
class HeldCharge implements Passage {
  readonly #request: RoutedRequest;
  readonly #payment: HeldPayment;
  readonly #terms: HeldTerms;
  #inRoom = 0;
  #ending: Promise<LastPart> | undefined;
  #end: HeldEnd = 'failed';
  /** Whether what was sold was given to a client that was there. */
  #sent = false;

  constructor(request: RoutedRequest, payment: HeldPayment, terms: HeldTerms) {
    this.#request = request;
    this.#payment = payment;
    this.#terms = terms;
  }

  /** Whether the answer was complete: what becomes of the payment is decided here then. */
  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    const { reading, room, heard } = this.#terms;
    heard();
    const free = reading.pass(chunk);
    const more = reading.heldBytes - this.#inRoom;
    if (more > 0) {
      this.#inRoom += more;
      if (reading.heldBytes > reading.maxBytes || !room.take(more)) throw new GatewayError('upstream_invalid_answer');
    }
    return free;
  }

  end(): Promise<LastPart> {
    this.#ending ??= this.#finish();
    return this.#ending;
  }

  /** How the request ended. Waits for the charge, which a client that leaves does not stop. */
  async outcomeOf(outcome: RelayOutcome): Promise<Served> {
    await this.#ending;
    if (this.#end === 'charged') {
      const inPart = outcome.kind === 'client_gone' && this.#sent;
      return await writeDelivery(this.#request, this.#payment, outcome, inPart);
    }
    return served(endOf(outcome, this.#end));
  }

  async #finish(): Promise<LastPart> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#charged();
    } catch (fault) {
      bytes = this.#said(faultAnswer(this.#request, fault));
    }
    this.#sent = !this.#request.client.isGone;
    return { bytes, trailers: [] };
  }

  async #charged(): Promise<Uint8Array | undefined> {
    const { claimed, authorized, response, digest, charged } = this.#payment;
    const { services } = this.#terms;
    const cost = await this.#cost();
    if (cost.kind === 'release') {
      await claimed.move({ to: 'released', reason: cost.reason });
      this.#end = 'unpaid';
      return cost.finish?.(undefined);
    }
    const facts = { ...digest.fact, asked: asked(cost.amount, authorized) };
    const result = await charge(this.#request, claimed, authorized, services, facts);
    if (result.kind === 'refusal') {
      this.#end = 'refused';
      return this.#said(
        refusalAnswer(this.#request, result, challengedOf(this.#request, { broughtBy: authorized.protocol })),
      );
    }
    charged();
    this.#end = 'charged';
    this.#request.notes.transaction = transactionOf(result.notice.receipt);
    return cost.finish?.(toldOf(result.notice, response.status));
  }

  /** What it costs. What cannot be read, kept or sent costs nothing. */
  async #cost(): Promise<Charge> {
    const { claimed, response, digest } = this.#payment;
    const { reading, services } = this.#terms;
    if (this.#request.client.isGone) return { kind: 'release', reason: 'the buyer left before it was charged' };
    try {
      const cost = reading.charge();
      if (cost.kind === 'charge') {
        await keepRead(this.#request, claimed, { response, body: reading.held, digest }, services);
      }
      return cost;
    } catch (fault) {
      await claimed.move({ to: 'released', reason: 'the answer could not be read or kept' });
      throw fault;
    }
  }

  #said({ body }: Answer): Uint8Array | undefined {
    return typeof body === 'string' ? this.#terms.reading.refused(body) : undefined;
  }
}
