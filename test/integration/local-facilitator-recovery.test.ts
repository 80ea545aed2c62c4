import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LocalFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Facilitator, OpenSettlement } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { type MadePayment, makePayment, notebook, PRICE } from '../contract/facilitator-payments.ts';
import { clientOf, type Devnet, setBalance, startDevnet } from '../support/devnet.ts';
import { forgettingStates, openLimitedNode } from '../support/limited-node.ts';
import { localSpec } from '../support/local-spec.ts';
import { settleInFull } from '../support/settle-in-full.ts';

let devnet: Devnet;
let key: Hex;
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  key = generatePrivateKey();
  await setBalance(devnet, settler(), 10n ** 18n);
});
afterAll(async () => {
  await Promise.all(opened.map((facilitator) => facilitator.close()));
  await devnet.close();
});

describe('a settlement that was written down and lost', () => {
  it('is sent by the next process, as the same bytes, when the node failed during the first', async () => {
    const node = await nodeThatDropsSends();
    const first = open({ rpc: new Map([[devnet.network, node.url]]), settleTimeoutMs: 2000 });
    const made = await makePayment(devnet);
    const book = notebook();
    expect(await settleInFull(first, made.payment, book.write)).toMatchObject({ kind: 'unknown' });
    await first.close();
    expect(await clientOf(devnet).getTransactionCount({ address: settler() })).toBe(0);
    expect(JSON.parse(book.last().data)).toMatchObject({ nonce: 0, raw: node.dropped[0] });
    const settlement = {
      payment: made.payment,
      amount: made.payment.offer.amount,
      attempt: book.last(),
      since: Date.now(),
    };
    expect(await settledBy(open(), settlement)).toBe(book.last().transaction);
    expect(new Set(node.dropped).size).toBe(1);
    expect(await made.received()).toBe(PRICE);
    expect(await clientOf(devnet).getTransactionCount({ address: settler() })).toBe(1);
    await node.close();
  });

  it('is mined although a lower account number was never sent', async () => {
    const node = await nodeThatDropsSends();
    const first = open({ rpc: new Map([[devnet.network, node.url]]), settleTimeoutMs: 2000 });
    const books = [notebook(), notebook()];
    const lost: OpenSettlement[] = [];
    for (const book of books) {
      const { payment } = await makePayment(devnet);
      expect(await settleInFull(first, payment, book.write)).toMatchObject({ kind: 'unknown' });
      lost.push({ payment, amount: payment.offer.amount, attempt: book.last(), since: Date.now() });
    }
    await first.close();
    await node.close();
    expect(lost.map(numberOf)).toEqual([0, 1]);
    const next = open();
    const upper = lost[1];
    if (upper === undefined) throw new Error('two payments were lost');
    expect(await next.resolve(upper, signal())).toMatchObject({ kind: 'unknown' });
    // A second look finds it still waiting for the gap to be filled.
    expect(await settledBy(next, upper)).toBe(upper.attempt?.transaction);
    expect(await clientOf(devnet).getTransactionCount({ address: settler() })).toBe(2);
  });

  it('has failed when another transaction used its account number and is deep enough', async () => {
    const [lost] = await crash([await makePayment(devnet)]);
    if (lost === undefined) throw new Error('a payment was lost');
    const account = privateKeyToAccount(key);
    await clientOf(devnet).sendTransactionSync({ account, to: account.address, value: 1n });
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'unknown' });
    await clientOf(devnet).mine({ blocks: 5 });
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'failed', reason: 'settlement_replaced' });
  });

  it('is settled when a stranger sent it first and our own transaction reverted', async () => {
    const made = await makePayment(devnet);
    const [lost] = await crash([made]);
    if (lost === undefined) throw new Error('a payment was lost');
    const transaction = await made.frontRun();
    await sendRaw(lost);
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'settled', settlement: { transaction } });
    expect(await made.received()).toBe(PRICE);
  });

  it('was not paid when our own transaction reverted because the payer took the nonce back', async () => {
    const made = await makePayment(devnet);
    const [lost] = await crash([made]);
    if (lost === undefined) throw new Error('a payment was lost');
    await made.cancel();
    await sendRaw(lost);
    const reason = 'invalid_exact_evm_nonce_already_used';
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'failed', reason });
  });

  it('stays unknown while the node is behind, whatever it shows', async () => {
    const { payment } = await makePayment(devnet);
    const later = open({}, () => Date.now() + 600_000);
    const settlement = { payment, amount: payment.offer.amount, attempt: undefined, since: Date.now() };
    expect(await later.resolve(settlement, signal())).toEqual({ kind: 'unknown', reason: 'chain_node_behind' });
  });

  it('counts as settled when its transaction is as deep as is asked for', async () => {
    const made = await makePayment(devnet);
    const book = notebook();
    expect(await settleInFull(open(), made.payment, book.write)).toMatchObject({ kind: 'settled' });
    const settlement = {
      payment: made.payment,
      amount: made.payment.offer.amount,
      attempt: book.last(),
      since: Date.now(),
    };
    const careful = open({ confirmations: 40 });
    expect(await careful.resolve(settlement, signal())).toMatchObject({ kind: 'unknown' });
    await clientOf(devnet).mine({ blocks: 40 });
    expect(await careful.resolve(settlement, signal())).toMatchObject({ kind: 'settled' });
  });

  it('stays unknown when the record does not hold its transaction, and nothing is sent', async () => {
    const [lost] = await crash([await makePayment(devnet)]);
    const [other] = await crash([await makePayment(devnet)]);
    if (lost?.attempt === undefined || other?.attempt === undefined) throw new Error('two payments were lost');
    const { transaction, data } = lost.attempt;
    for (const wrong of ['', '{}', data.replace('84532', '1'), other.attempt.data]) {
      const settlement = { ...lost, attempt: { transaction, data: wrong } };
      expect(await open().resolve(settlement, signal())).toMatchObject({ kind: 'unknown' });
    }
    const pool = await clientOf(devnet).getTxpoolContent();
    expect(Object.keys(pool.queued).map((sender) => sender.toLowerCase())).not.toContain(settler().toLowerCase());
    expect(await clientOf(devnet).getTransactionCount({ address: settler(), blockTag: 'pending' })).toBe(0);
  });

  it('has failed when the token shows its cancellation, even with clocks far apart', async () => {
    const made = await makePayment(devnet);
    const [lost] = await crash([made]);
    if (lost === undefined) throw new Error('a payment was lost');
    await made.cancel();
    const later = open({}, () => Date.now() + 600_000);
    expect(await later.resolve(lost, signal())).toMatchObject({ kind: 'failed' });
  });

  it('cannot be resolved while the node is away, and stays unknown without a node', async () => {
    const node = await nodeThatDropsSends();
    await node.close();
    const { payment } = await makePayment(devnet);
    const settlement = { payment, amount: payment.offer.amount, attempt: undefined, since: Date.now() };
    const away = open({ rpc: new Map([[devnet.network, node.url]]) });
    await expect(away.resolve(settlement, signal())).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    expect(await open({ rpc: new Map() }).resolve(settlement, signal())).toMatchObject({ kind: 'unknown' });
  });
});

describe('a lost Permit2 settlement', () => {
  it('is found by the transfer and the permit that its transaction used', async () => {
    const made = await makePayment(devnet, 'permit2');
    const book = notebook();
    const outcome = await settleInFull(open(), made.payment, book.write);
    expect(outcome).toMatchObject({ kind: 'settled' });
    const settlement = {
      payment: made.payment,
      amount: made.payment.offer.amount,
      attempt: book.last(),
      since: Date.now(),
    };
    expect(await open().resolve(settlement, signal())).toEqual(outcome);
    expect(await open().resolve({ ...settlement, attempt: undefined }, signal())).toEqual(outcome);
  });

  it('has failed when the payer cancelled the nonce', async () => {
    const made = await makePayment(devnet, 'permit2');
    const [lost] = await crash([made]);
    if (lost === undefined) throw new Error('a payment was lost');
    await made.cancel();
    // With clocks far apart, the blocks to search are not known, and no event names the nonce.
    const later = open({}, () => Date.now() + 600_000);
    expect(await later.resolve(lost, signal())).toMatchObject({ kind: 'unknown' });
    // Until then another node may have seen a transfer that this one has not.
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'unknown' });
    await clientOf(devnet).mine({ blocks: 90, interval: 0 });
    expect(await open().resolve(lost, signal())).toMatchObject({ kind: 'unknown' });
    const node = await openLimitedNode(devnet.rpcUrl, forgettingStates());
    const reason = 'permit2_invalid_nonce';
    const atNode = open({ rpc: new Map([[devnet.network, node.url]]) });
    expect(await atNode.resolve(lost, signal())).toEqual({ kind: 'failed', reason });
    await node.close();
  });
});

// Last, because the chain's time goes on.
it('a lost settlement is found when the clock was ahead at its claim, and has been put back since', async () => {
  const made = await makePayment(devnet);
  const outcome = await settleInFull(open(), made.payment, notebook().write);
  expect(outcome).toMatchObject({ kind: 'settled' });
  await clientOf(devnet).mine({ blocks: 600, interval: 1 });
  const { payment } = made;
  const settlement = { payment, amount: payment.offer.amount, attempt: undefined, since: Date.now() + 900_000 };
  const later = open({}, () => Date.now() + 600_000);
  expect(await later.resolve(settlement, signal())).toEqual(outcome);
});

function settler(): Hex {
  return privateKeyToAccount(key).address;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

function open(change: Partial<LocalFacilitatorSpec> = {}, clock: () => number = Date.now): Facilitator {
  const spec = localSpec(devnet, key, change);
  const facilitator = openLocalFacilitator(spec, { clock });
  opened.push(facilitator);
  return facilitator;
}

/** Settles payments in a process that goes down after it has written them down, before it sends anything. */
async function crash(payments: readonly MadePayment[]): Promise<OpenSettlement[]> {
  const facilitator = open();
  const books = payments.map(() => notebook(() => Promise.reject(new Error('crashed'))));
  const settling = payments.map(({ payment }, index) =>
    settleInFull(
      facilitator,
      payment,
      (attempt) => books[index]?.write(attempt) ?? Promise.reject(new Error('no book')),
    ),
  );
  const ends = await Promise.allSettled(settling);
  expect(ends.map(({ status }) => status)).toEqual(payments.map(() => 'rejected'));
  await facilitator.close();
  return payments
    .map(({ payment }, index) => ({
      payment,
      amount: payment.offer.amount,
      attempt: books[index]?.last(),
      since: Date.now(),
    }))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf({ attempt }: OpenSettlement): number {
  const { nonce }: { nonce: number } = JSON.parse(attempt?.data ?? '{}');
  return nonce;
}

/** The transaction that settled it, once it is known. */
async function settledBy(facilitator: Facilitator, settlement: OpenSettlement): Promise<string> {
  return await vi.waitFor(async () => {
    const outcome = await facilitator.resolve(settlement, signal());
    if (outcome.kind !== 'settled') throw new Error(outcome.reason);
    return outcome.settlement.transaction;
  }, 10_000);
}

async function sendRaw({ attempt }: OpenSettlement): Promise<void> {
  const { raw }: { raw: Hex } = JSON.parse(attempt?.data ?? '{}');
  const receipt = await clientOf(devnet).sendRawTransactionSync({ serializedTransaction: raw });
  expect(receipt.status).toBe('reverted');
}

/** A node that breaks the connection whenever a transaction comes, and keeps what came. */
async function nodeThatDropsSends() {
  const dropped: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const calls: { method: string; params: string[] }[] = [JSON.parse(body)].flat();
    const raws = calls.filter(({ method }) => method === 'eth_sendRawTransaction').flatMap(({ params }) => params);
    dropped.push(...raws);
    if (raws.length > 0) return request.socket.destroy();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(devnet.rpcUrl, { method: 'POST', headers, body });
    return response.writeHead(200, headers).end(await answer.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    dropped,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
