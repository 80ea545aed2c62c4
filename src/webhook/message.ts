import { createHmac } from 'node:crypto';
import { formatAmount } from '../domain/amount.ts';
import { DRAWN, type DrawEvent, type LedgerEvent, type PaymentEvent, type Webhook } from '../domain/webhook.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** A request to a receiver, ready to be sent. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. Exactly these bytes are signed. */
  readonly body: string;
}

/**
 * Writes an event as a message, signed for one attempt: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook
 * headers" (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 *
 * @param now Unix milliseconds of the attempt, which receivers compare with their own clock
 */
export function encodeMessage(event: LedgerEvent, { secret }: Webhook, now: number): Message {
  const body = encodeEvent(event);
  const timestamp = String(Math.floor(now / 1000));
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(`${event.id}.${timestamp}.${body}`)
    .digest('base64');
  return {
    body,
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'turnpike',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  };
}

/** Written by our own ledger as JSON. */
function readUsage(text: string): Json {
  return JSON.parse(text);
}

/** The same text for one event, whenever it is sent. Times in ISO 8601 and UTC, amounts as decimal text. */
function encodeEvent(event: LedgerEvent): string {
  const { id, type, createdAt } = event;
  const data = event.type === DRAWN ? drawData(event) : paymentData(event);
  return JSON.stringify({ id, type, createdAt: new Date(createdAt).toISOString(), data });
}

function paymentData(event: PaymentEvent): JsonObject {
  return {
    ...chargeData(event),
    payTo: event.payTo,
    transaction: event.transaction ?? null,
    scheme: event.scheme,
    ...(event.protocol === undefined ? {} : { protocol: event.protocol }),
    requestId: event.requestId,
    settledAt: event.settledAt === undefined ? null : new Date(event.settledAt).toISOString(),
    payment: event.payment,
    // Only of calls that were charged by usage: the text of all others stays unchanged.
    ...(event.usage === undefined ? {} : { usage: readUsage(event.usage) }),
  };
}

function drawData(event: DrawEvent): JsonObject {
  return {
    ...chargeData(event),
    requestId: event.requestId,
    pass: event.pass,
    usage: event.usage === undefined ? null : readUsage(event.usage),
  };
}

/** The members that both kinds begin with, in this order. */
function chargeData({ route, payer, network, asset, amount }: LedgerEvent): JsonObject {
  return { route, payer, network, asset, amount: formatAmount(amount) };
}
