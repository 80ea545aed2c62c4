import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { loadExactEvm } from '../../../src/scheme/exact-evm/exact-evm.ts';
import type { Scheme } from '../../../src/scheme/scheme.ts';
import { exactOffer, signPermit, signTransfer } from '../../support/exact-evm-payments.ts';

const exactEvm = await loadExactEvm();
const NOW = 1_000;

async function jsonOf(payload: Promise<object>): Promise<JsonObject> {
  return JSON.parse(JSON.stringify(await payload));
}

async function authenticatedKey(scheme: Scheme, payload: JsonObject, offer = exactOffer()): Promise<string> {
  const read = await scheme.authenticate(payload, offer, NOW);
  return read.kind === 'authentic' ? read.authorization.key : JSON.stringify(read);
}

describe('the payment key of a payload', () => {
  it('of EIP-3009 is the same under another price, payee and lifetime', async () => {
    const offer = exactOffer();
    const payload = await jsonOf(signTransfer(offer, NOW + 60));
    expect(exactEvm.paymentKey(payload, offer)).toBe(await authenticatedKey(exactEvm, payload, offer));
    const other = { ...exactOffer({ amount: 999n, payTo: `0x${'03'.repeat(20)}` }), maxTimeoutSeconds: 1 };
    expect(exactEvm.paymentKey(payload, other)).toBe(exactEvm.paymentKey(payload, offer));
  });

  it('of Permit2 is the same for another token of its network', async () => {
    const offer = exactOffer({ transferMethod: 'permit2' });
    const payload = await jsonOf(signPermit(offer, NOW + 60));
    expect(exactEvm.paymentKey(payload, offer)).toBe(await authenticatedKey(exactEvm, payload, offer));
    const other = exactOffer({ transferMethod: 'permit2', address: `0x${'04'.repeat(20)}` });
    expect(exactEvm.paymentKey(payload, other)).toBe(exactEvm.paymentKey(payload, offer));
  });

  it('is none for a payload of another shape', async () => {
    expect(exactEvm.paymentKey({}, exactOffer())).toBeUndefined();
    expect(exactEvm.paymentKey({ signature: '0x', authorization: 1 }, exactOffer())).toBeUndefined();
    const transfer = await jsonOf(signTransfer(exactOffer(), NOW + 60));
    expect(exactEvm.paymentKey(transfer, exactOffer({ transferMethod: 'permit2' }))).toBeUndefined();
  });
});
