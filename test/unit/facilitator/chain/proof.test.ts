import { encodeAbiParameters, encodeEventTopics, type Hex, pad } from 'viem';
import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../../src/domain/amount.ts';
import { authorizationUsedEvent, transferEvent } from '../../../../src/evm/abi.ts';
import { type Address, parseAddress } from '../../../../src/evm/address.ts';
import type { Receipt } from '../../../../src/facilitator/chain/chain-facts.ts';
import { provesTransfer } from '../../../../src/facilitator/chain/proof.ts';
import type { EventLog } from '../../../../src/facilitator/chain/rpc-answer.ts';
import { provesUse } from '../../../../src/facilitator/transfer-method/eip3009/authorization-proof.ts';
import { eip3009Transfer } from '../../../../src/facilitator/transfer-method/eip3009/eip3009.ts';
import type { Eip3009Transfer } from '../../../../src/facilitator/transfer-method/eip3009/eip3009-transfer.ts';

const ASSET = address('0xa5');
const PAYER = address('0xb0');
const SELLER = address('0x5e');
const OURS: Hex = `0x${'11'.repeat(32)}`;
const OTHER: Hex = `0x${'22'.repeat(32)}`;
const PRICE = 10_000n as Amount;

const AUTHORIZATION: Eip3009Transfer = {
  asset: ASSET,
  payer: PAYER,
  payTo: SELLER,
  amount: PRICE,
  digest: OTHER,
  signature: '0x',
  signedByKey: true,
  deployment: undefined,
  signed: { signature: '0x', from: PAYER, to: SELLER, value: PRICE, validAfter: 0n, validBefore: 9n, nonce: OURS },
};
const PAYMENT = eip3009Transfer(AUTHORIZATION);

describe('a mined transaction proves an EIP-3009 payment', () => {
  it('with the use of the authorization and exactly its transfer', () => {
    expect(provesTransfer(PAYMENT, mined(used(OURS), moved(PRICE)))).toBe(true);
  });

  it('when the token emits the transfer event first', () => {
    expect(provesTransfer(PAYMENT, mined(moved(PRICE), used(OURS)))).toBe(true);
  });

  it('for each of several payments that it holds', () => {
    const batch = mined(used(OTHER), moved(PRICE), used(OURS), moved(PRICE));
    expect(provesTransfer(PAYMENT, batch)).toBe(true);
  });
});

describe('a mined transaction does not prove an EIP-3009 payment', () => {
  it.each([
    ['when it reverted', { ...mined(used(OURS), moved(PRICE)), succeeded: false }],
    ['without events', mined()],
    ['by the transfer alone', mined(moved(PRICE))],
    ['by the use of the authorization alone', mined(used(OURS))],
    ['with less than the price', mined(used(OURS), moved(PRICE - 1n))],
    ['with more than the price', mined(used(OURS), moved(PRICE + 1n))],
    ['with a transfer to somebody else', mined(used(OURS), moved(PRICE, { to: ASSET }))],
    ['with a transfer of somebody else', mined(used(OURS), moved(PRICE, { from: ASSET }))],
    ['in another token', mined({ ...used(OURS), address: SELLER }, { ...moved(PRICE), address: SELLER })],
    ['with the transfer of another token', mined(used(OURS), { ...moved(PRICE), address: SELLER })],
    ['with the use of another authorization', mined(used(OTHER), moved(PRICE))],
    ['by the transfer of another payment in it', mined(used(OURS), used(OTHER), moved(PRICE))],
  ])('%s', (_, receipt) => {
    expect(provesTransfer(PAYMENT, receipt)).toBe(false);
  });
});

describe('a transaction that somebody else sent, with the use of an authorization', () => {
  it('proves the payment by the very next event', () => {
    expect(provesUse(AUTHORIZATION, mined(used(OURS), moved(PRICE)))).toBe(true);
    expect(provesUse(AUTHORIZATION, mined(moved(1n), used(OTHER), moved(PRICE), used(OURS), moved(PRICE)))).toBe(true);
  });

  it.each([
    ['when it reverted', { ...mined(used(OURS), moved(PRICE)), succeeded: false }],
    ['by another transfer in it, which may pay for something else', mined(used(OURS), moved(1n), moved(PRICE))],
    ['by a transfer that came first', mined(moved(PRICE), used(OURS))],
    ['by the use of another authorization', mined(used(OTHER), moved(PRICE))],
    ['by the use alone', mined(used(OURS))],
  ])('does not prove it %s', (_, receipt) => {
    expect(provesUse(AUTHORIZATION, receipt)).toBe(false);
  });
});

function mined(...logs: EventLog[]): Receipt {
  return { transaction: OTHER, block: 1n, succeeded: true, logs };
}

function used(nonce: Hex): EventLog {
  const topics = encodeEventTopics({ abi: [authorizationUsedEvent], args: { authorizer: PAYER, nonce } });
  return { address: ASSET, topics: topics as Hex[], data: '0x' };
}

function moved(value: bigint, parties: { from?: Address; to?: Address } = {}): EventLog {
  const args = { from: PAYER, to: SELLER, ...parties };
  const topics = encodeEventTopics({ abi: [transferEvent], args });
  return { address: ASSET, topics: topics as Hex[], data: encodeAbiParameters([{ type: 'uint256' }], [value]) };
}

function address(short: Hex): Address {
  const parsed = parseAddress(pad(short, { size: 20 }));
  if (parsed === undefined) throw new Error(`${short} is no address`);
  return parsed;
}
