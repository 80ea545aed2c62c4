import { generateKeyPairSigner, type KeyPairSigner } from '@solana/kit';
import { encodePaymentSignatureHeader } from '@x402/core/http';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { challengeOf, stockFetch } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { SVM_NETWORK, SVM_USDC, type SvmChain, startSvmChain } from '../support/svm/local-chain.ts';
import { type OfficialSvmFacilitator, startOfficialSvm } from '../support/svm/official-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const EVM_PAYEE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const PRICE = 10_000n;

let chain: SvmChain;
let official: OfficialSvmFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: KeyPairSigner;
let payee: KeyPairSigner;
let settler: KeyPairSigner;

beforeAll(async () => {
  [chain, buyer, payee, settler] = await Promise.all([
    startSvmChain(),
    generateKeyPairSigner(),
    generateKeyPairSigner(),
    generateKeyPairSigner(),
  ]);
  chain.fund(buyer.address, 10_000_000n);
  chain.fund(payee.address, 0n);
  chain.fund(settler.address, 0n);
  [official, upstream] = await Promise.all([startOfficialSvm(chain.rpcUrl, settler), startUpstream()]);
  gateway = await startTestGateway(configuration());
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([official?.close(), upstream?.close(), chain?.close()]);
});

function configuration(): string {
  return `upstream: ${upstream.url}
payTo: { solana: "${payee.address}" }
accepts: [solana-devnet]
store: memory
facilitator: { url: "${official.url}" }
routes:
  - { path: /paid, price: $0.01 }
  - { path: /other, price: $0.01 }
  - { path: /dearer, price: $0.02 }
`;
}

const url = (path: string): string => `${gateway.url}${path}`;

/** What the official client code signs for the offer of a path, with changed terms. */
async function signed(
  path: string,
  changed: Readonly<Record<string, unknown>> = {},
  signer: KeyPairSigner = buyer,
): Promise<{ readonly header: string; readonly payload: { transaction: string }; readonly accepted: object }> {
  const required = challengeOf(await fetch(url(path)));
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('a 402 without a way to pay');
  const scheme = new ExactSvmScheme(signer, { rpcUrl: chain.rpcUrl });
  const made = await scheme.createPaymentPayload(2, { ...accepted, ...changed } as never);
  const payload = made.payload as { transaction: string };
  return { header: headerOf(accepted, payload), payload, accepted };
}

function headerOf(accepted: object, payload: object): string {
  return encodePaymentSignatureHeader({ x402Version: 2, accepted, payload } as never);
}

const pay = (path: string, header: string): Promise<Response> =>
  fetch(url(path), { headers: { 'PAYMENT-SIGNATURE': header } });

async function reasonOf(response: Response): Promise<readonly [number, string]> {
  return [response.status, challengeOf(response).error ?? ''];
}

describe('a route that is sold on Solana', () => {
  it('states mint, payee and the fee payer that its facilitator names', async () => {
    const { accepts } = challengeOf(await fetch(url('/paid')));
    expect(accepts).toEqual([
      {
        scheme: 'exact',
        network: SVM_NETWORK,
        amount: '10000',
        asset: SVM_USDC,
        payTo: payee.address,
        maxTimeoutSeconds: 300,
        extra: { feePayer: settler.address },
      },
    ]);
  });

  it('is paid by the stock client, and the money arrives', async () => {
    const before = chain.balance(payee.address);
    const client = new x402Client().register('solana:*', new ExactSvmScheme(buyer, { rpcUrl: chain.rpcUrl }));
    const answer = await wrapFetchWithPayment(fetch, client)(url('/paid'));
    expect(answer.status).toBe(200);
    const receipt = JSON.parse(Buffer.from(answer.headers.get('payment-response') ?? '', 'base64').toString('utf8'));
    expect(receipt).toMatchObject({ success: true, network: SVM_NETWORK, payer: buyer.address, amount: '10000' });
    expect(receipt.transaction).toMatch(/^[1-9A-HJ-NP-Za-km-z]{80,90}$/);
    expect(chain.balance(payee.address) - before).toBe(PRICE);
  });

  it('is paid once by one transaction, however many requests carry it and whatever else they hold', async () => {
    const [before, seen] = [chain.balance(payee.address), upstream.seen.length];
    const { header, payload, accepted } = await signed('/paid');
    const bytes = Buffer.from(payload.transaction, 'base64');
    // The fee payer has not signed yet, so anybody who has the transaction can write anything into that place.
    bytes.fill(7, 1, 65);
    const copies = [
      header,
      header,
      headerOf(accepted, { ...payload, note: 'another' }),
      headerOf(accepted, { transaction: bytes.toString('base64') }),
    ];
    const answers = await Promise.all(copies.map((copy) => pay('/paid', copy)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(upstream.seen.length - seen).toBe(1);
    const later = await Promise.all([pay('/paid', header), pay('/other', header)]);
    expect(later.map(({ status }) => status)).toEqual([409, 409]);
    expect(chain.balance(payee.address) - before).toBe(PRICE);
    expect(upstream.seen.length - seen).toBe(1);
  });

  it('refuses a payment for something else before a facilitator is asked, with the reason of the official facilitator', async () => {
    const stranger = await generateKeyPairSigner();
    const mint = (await generateKeyPairSigner()).address;
    chain.mint(mint, new Map([[buyer.address, 1_000_000n]]));
    chain.fund(stranger.address, 0n);
    const verified = official.calls.verify;
    const cases = [
      [{ payTo: stranger.address }, 'invalid_exact_svm_payload_recipient_mismatch'],
      [{ asset: mint }, 'invalid_exact_svm_payload_mint_mismatch'],
      [{ amount: '9999' }, 'invalid_exact_svm_payload_amount_mismatch'],
      [{ amount: '10001' }, 'invalid_exact_svm_payload_amount_mismatch'],
      [{ extra: { feePayer: stranger.address } }, 'invalid_exact_svm_fee_payer_mismatch'],
    ] as const;
    for (const [changed, reason] of cases) {
      const { payload, accepted } = await signed('/paid', changed);
      expect(await reasonOf(await pay('/paid', headerOf(accepted, payload)))).toEqual([402, reason]);
    }
    const cheap = await signed('/paid');
    const dear = await signed('/dearer');
    expect(await reasonOf(await pay('/dearer', headerOf(dear.accepted, cheap.payload)))).toEqual([
      402,
      'invalid_exact_svm_payload_amount_mismatch',
    ]);
    expect(official.calls.verify).toBe(verified);
  });

  it('refuses a transaction whose signature was changed, before a facilitator is asked', async () => {
    const verified = official.calls.verify;
    const { payload, accepted } = await signed('/paid');
    const bytes = Buffer.from(payload.transaction, 'base64');
    // After the count of signatures and the signature of the fee payer.
    const ofBuyer = 1 + 64;
    bytes.writeUInt8(bytes.readUInt8(ofBuyer) ^ 1, ofBuyer);
    const changed = await pay('/paid', headerOf(accepted, { transaction: bytes.toString('base64') }));
    expect(await reasonOf(changed)).toEqual([402, 'invalid_exact_svm_payload_signature_invalid']);
    expect(official.calls.verify).toBe(verified);
  });

  it('refuses a transaction whose signature does not match its bytes', async () => {
    const { payload, accepted } = await signed('/paid');
    const bytes = Buffer.from(payload.transaction, 'base64');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
    const tampered = headerOf(accepted, { transaction: bytes.toString('base64') });
    const [status, reason] = await reasonOf(await pay('/paid', tampered));
    expect(status).toBe(402);
    expect(reason).toMatch(/^invalid_exact_svm_payload_(?:signature_invalid|transaction_could_not_be_decoded)$/);
    for (const transaction of ['', 'not base64!', bytes.toString('base64').replace(/=*$/, '=x')]) {
      expect((await pay('/paid', headerOf(accepted, { transaction }))).status).toBe(400);
    }
  });

  it('serves no payment with an expired blockhash, and no payer without the money', async () => {
    const seen = upstream.seen.length;
    const { header } = await signed('/paid');
    chain.expireBlockhash();
    expect((await pay('/paid', header)).status).toBe(402);
    const poor = await generateKeyPairSigner();
    chain.fund(poor.address, 1n);
    expect((await pay('/paid', (await signed('/paid', {}, poor)).header)).status).toBe(402);
    expect(upstream.seen).toHaveLength(seen);
  });
});

describe('a facilitator with a new account for the fees', () => {
  it('has its new account in the next 402, and payments for the old one stay valid', async () => {
    const own = await startTestGateway(configuration());
    try {
      const quoted = await signed('/paid');
      const fresh = await generateKeyPairSigner();
      chain.fund(fresh.address, 0n);
      official.rotate(fresh);
      // After a verification that breaks off, the gateway asks the facilitator at once what it supports.
      official.next.verify = 'broken';
      const broken = await fetch(`${own.url}/paid`, { headers: { 'PAYMENT-SIGNATURE': quoted.header } });
      expect(broken.status).toBe(503);
      await vi.waitFor(
        async () => {
          const [now] = challengeOf(await fetch(`${own.url}/paid`)).accepts;
          expect(now?.extra).toEqual({ feePayer: fresh.address });
        },
        { timeout: 60_000, interval: 50 },
      );
      const paid = await fetch(`${own.url}/paid`, { headers: { 'PAYMENT-SIGNATURE': quoted.header } });
      expect(paid.status).toBe(200);
    } finally {
      await own.close();
    }
  });
});

describe('one 402 for EVM and Solana', () => {
  it('states both ways to pay, each with its own payee, and is paid on either', async () => {
    const evm = await startScriptedFacilitator();
    const both = await startTestGateway(
      configuration()
        .replace('accepts: [solana-devnet]', 'accepts: [base-sepolia, solana-devnet]')
        .replace('payTo: {', `payTo: { eip155: "${EVM_PAYEE}",`)
        .replace(/facilitator: .*/, `facilitator: ["${evm.url}", "${official.url}"]`),
    );
    try {
      const required = challengeOf(await fetch(`${both.url}/paid`));
      expect(required.accepts.map(({ network, payTo }) => [network, payTo])).toEqual([
        ['eip155:84532', EVM_PAYEE],
        [SVM_NETWORK, payee.address],
      ]);
      const client = new x402Client().register('solana:*', new ExactSvmScheme(buyer, { rpcUrl: chain.rpcUrl }));
      expect((await wrapFetchWithPayment(fetch, client)(`${both.url}/paid`)).status).toBe(200);
      expect((await stockFetch(generatePrivateKey())(`${both.url}/paid`)).status).toBe(200);
    } finally {
      await both.close();
      await evm.close();
    }
  });

  it('stops the start of the gateway where no facilitator serves one of them', async () => {
    const both = configuration()
      .replace('accepts: [solana-devnet]', 'accepts: [base-sepolia, solana-devnet]')
      .replace('payTo: {', `payTo: { eip155: "${EVM_PAYEE}",`);
    await expect(startTestGateway(both)).rejects.toThrow('no facilitator serves exact on eip155:84532');
  });
});
