import { PERMIT2_ADDRESS } from '@x402/evm';
import { isJsonObject } from '../../domain/payment.ts';
import { decodeHeaderJson } from '../../protocol/header-json.ts';
import { printable } from '../terminal.ts';
import type { SignedPayment } from './purchase.ts';

/** What an answer is judged by. */
export interface AdviceContext {
  readonly signed: SignedPayment | undefined;
  /** Where a key was looked for and may be missing; `undefined` when there was one. */
  readonly keyEnv: string | undefined;
}

/** What an answer that is not simply the resource means, and one thing to do about it. */
export function adviceFor(response: Response, { signed, keyEnv }: AdviceContext): readonly string[] {
  const { status } = response;
  const head = `status    ${status} ${printable(response.statusText)}`.trimEnd();
  if (response.ok) return [];
  if (status === 402 && signed === undefined && keyEnv !== undefined) {
    return [
      head,
      `The resource costs money. Put the private key of the paying account into ${keyEnv}, or name another variable with --key-env.`,
    ];
  }
  if (status === 402) return [head, `The server did not take the payment: ${refusalOf(response)}.`];
  if (status === 412 && signed !== undefined) return [head, ...approvalAdvice(signed)];
  // Conflict, or a settlement that is not resolved: the same payment gets the outcome, a new one would pay twice.
  if (signed !== undefined && (status === 409 || status >= 500)) return [head, ...explainLost(signed)];
  if (status >= 300 && status < 400) {
    return [
      head,
      `The server sends to ${printable(response.headers.get('location') ?? 'nowhere')}; redirects are not followed.`,
    ];
  }
  return [head];
}

/** How to learn what became of a payment without paying again. */
export function explainLost({ header: [name, value] }: SignedPayment): readonly string[] {
  return [
    'The payment was sent and may have been taken. Do not pay anew: the same payment, sent again, cannot be taken twice.',
    'Repeat the command with this added to it:',
    `  -H '${name}: ${value}'`,
  ];
}

function approvalAdvice({ offer }: SignedPayment): readonly string[] {
  const { assetAddress, amount } = offer;
  return [
    `This token is paid through Permit2, which needs an approval once, from the paying account (it costs gas):`,
    `  cast send ${printable(assetAddress)} 'approve(address,uint256)' ${PERMIT2_ADDRESS} ${amount} --rpc-url …`,
    'Nothing was paid. Approve at least the price, then pay again.',
  ];
}

function refusalOf(response: Response): string {
  const header = response.headers.get('payment-required');
  const decoded = header === null ? undefined : decodeHeaderJson(header);
  const error = decoded?.ok === true && isJsonObject(decoded.value) ? decoded.value['error'] : undefined;
  return printable(typeof error === 'string' ? error : 'it gives no reason');
}
