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

/** A payment whose answer's head has come. */
type HeldPayment = Omit<Waiting, 'ends'>;

/**
 * Serves an answer in two parts: the free part goes out as it comes, the part that is sold once the money has moved.
 * The payment stays `forwarding` until the API's answer is complete, and is then handled like that of a whole answer.
 * An API that is silent for the route's timeout is given up, since a payment is held meanwhile.
 *
 * A crash before the charge, a buyer who leaves and an API that breaks off release the payment: nothing that is sold
 * went out.
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

/** How the held part ended. */
type HeldEnd = 'charged' | 'unpaid' | 'refused' | 'failed';

interface HeldTerms {
  readonly reading: HeldReading;
  readonly room: BodyRoom;
  readonly services: Services;
  /** Called with each part of the answer. */
  readonly heard: () => void;
}

/** Lets the free part out, and charges when the answer is complete. */
class HeldCharge implements Passage {
  readonly #request: RoutedRequest;
  readonly #payment: HeldPayment;
  readonly #terms: HeldTerms;
  #inRoom = 0;
  #ending: Promise<LastPart> | undefined;
  #end: HeldEnd = 'failed';
  /** Whether the sold part was given to a client that was still there. */
  #sent = false;

  constructor(request: RoutedRequest, payment: HeldPayment, terms: HeldTerms) {
    this.#request = request;
    this.#payment = payment;
    this.#terms = terms;
  }

  /** Whether the answer is complete: from then on this passage moves the payment. */
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

  /** The outcome of the request. Waits for the charge, which continues when the client leaves. */
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

  /** The charge. An answer that cannot be read, stored or sent costs nothing. */
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
