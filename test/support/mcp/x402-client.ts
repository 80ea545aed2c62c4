import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { x402Client } from '@x402/core/client';
import { isPaymentRequired } from '@x402/core/schemas';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** What a call of a tool came to. */
export interface ToolResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly type?: string; readonly text?: string }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly _meta?: Record<string, unknown>;
}

/** A tool that is called, and what it is called with. */
export interface ToolCall {
  readonly name: string;
  readonly arguments?: Record<string, unknown>;
  readonly _meta?: Record<string, unknown>;
}

/**
 * A buyer of tools that does what `callTool` of the official `@x402/mcp` does, which no registry here has: it calls without
 * a payment, reads the price where that one reads it, has the official client pay, and calls again.
 */
export class ToolBuyer {
  readonly client: Client;
  readonly #payer: x402Client;

  constructor(client: Client, key: Hex) {
    this.client = client;
    this.#payer = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(key)));
  }

  async call(call: ToolCall): Promise<ToolResult> {
    return (await this.client.callTool({ ...call })) as ToolResult;
  }

  /** Calls, pays what that costs, and calls again; a free tool is called once. */
  async buy(call: ToolCall): Promise<ToolResult> {
    const first = await this.call(call);
    const required = priceIn(first);
    return required === undefined ? first : await this.call(withPayment(call, await this.pay(required)));
  }

  /** Asks for the price of a tool and signs a payment. */
  async payFor(call: ToolCall): Promise<PaymentPayload> {
    const required = priceIn(await this.call(call));
    if (required === undefined) throw new Error(`${call.name} costs nothing`);
    return await this.pay(required);
  }

  async pay(required: PaymentRequired): Promise<PaymentPayload> {
    return await this.#payer.createPaymentPayload(required);
  }
}

export function withPayment(call: ToolCall, payment: PaymentPayload): ToolCall {
  return { ...call, _meta: { ...call._meta, 'x402/payment': payment } };
}

/** The price that a result states: in `structuredContent`, else as the text of its first content. */
export function priceIn(result: ToolResult): PaymentRequired | undefined {
  if (result.isError !== true) return undefined;
  if (isPaymentRequired(result.structuredContent)) return result.structuredContent as PaymentRequired;
  const text = result.content[0]?.text;
  if (text === undefined) return undefined;
  const parsed: unknown = JSON.parse(text);
  return isPaymentRequired(parsed) ? (parsed as PaymentRequired) : undefined;
}
