import { eip3009ABI } from '@x402/evm';
import { concatHex, type Hex, numberToHex, parseAbi, parseSignature } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Address } from '../../../src/devnet/addresses.ts';
import {
  authorizationOf,
  clientOf,
  type Devnet,
  freshPayer,
  requirementsOn,
  signatureOf,
  signPayment,
  startDevnet,
  transferWithAuthorization,
} from '../devnet.ts';

const PRICE = 10_000n;
/** Order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const TOKEN_ABI = parseAbi([
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  'function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
]);

let devnet: Devnet;
beforeAll(async () => {
  devnet = await startDevnet();
});
afterAll(() => devnet.close());

function joined({ r, s }: { r: Hex; s: Hex }, v: number): Hex {
  return concatHex([r, s, numberToHex(v, { size: 1 })]);
}

describe('the test USDC', () => {
  it('takes what the stock client signed, in both forms of the call', async () => {
    const payer = await freshPayer(devnet);
    const offer = requirementsOn(devnet);
    await transferWithAuthorization(devnet, await signPayment(devnet, payer, offer));
    const second = await signPayment(devnet, payer, offer);
    const { r, s, v } = parseSignature(signatureOf(second));
    await clientOf(devnet).writeContractSync({
      account: privateKeyToAccount(devnet.accounts.settler.key),
      address: devnet.usdc,
      abi: eip3009ABI,
      functionName: 'transferWithAuthorization',
      args: [...authorizationOf(second), Number(v), r, s],
      throwOnReceiptRevert: true,
    });
    expect(await devnet.usdcBalanceOf(offer.payTo as Address)).toBe(2n * PRICE);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - 2n * PRICE);
  });

  it('refuses every other encoding of a good signature', async () => {
    const payment = await signPayment(devnet, await freshPayer(devnet), requirementsOn(devnet));
    const { r, s, v } = parseSignature(signatureOf(payment));
    const twin = { r, s: numberToHex(ORDER - BigInt(s), { size: 32 }) };
    expect(BigInt(s)).toBeLessThan(ORDER / 2n);
    await expect(transferWithAuthorization(devnet, payment, joined(twin, v === 27n ? 28 : 27))).rejects.toThrow(
      "invalid signature 's' value",
    );
    await expect(transferWithAuthorization(devnet, payment, joined({ r, s }, Number(v) - 27))).rejects.toThrow(
      "invalid signature 'v' value",
    );
    await expect(transferWithAuthorization(devnet, payment, `${signatureOf(payment)}00`)).rejects.toThrow(
      'invalid signature length',
    );
    await expect(transferWithAuthorization(devnet, payment, joined({ r, s }, v === 27n ? 28 : 27))).rejects.toThrow(
      'invalid signature',
    );
    await transferWithAuthorization(devnet, payment);
  });

  it('refuses a used or cancelled authorization, and one above the balance', async () => {
    const payer = await freshPayer(devnet);
    const payment = await signPayment(devnet, payer, requirementsOn(devnet));
    await transferWithAuthorization(devnet, payment);
    await expect(transferWithAuthorization(devnet, payment)).rejects.toThrow(
      'FiatTokenV2: authorization is used or canceled',
    );
    const cancelled = await signPayment(devnet, payer, requirementsOn(devnet));
    const nonce = authorizationOf(cancelled)[5];
    const signature = await privateKeyToAccount(payer.key).signTypedData({
      domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: devnet.usdc },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization',
      message: { authorizer: payer.address, nonce },
    });
    await clientOf(devnet).writeContractSync({
      account: privateKeyToAccount(devnet.accounts.settler.key),
      address: devnet.usdc,
      abi: TOKEN_ABI,
      functionName: 'cancelAuthorization',
      args: [payer.address, nonce, signature],
      throwOnReceiptRevert: true,
    });
    await expect(transferWithAuthorization(devnet, cancelled)).rejects.toThrow(
      'FiatTokenV2: authorization is used or canceled',
    );
    const tooMuch = await signPayment(devnet, payer, requirementsOn(devnet, { amount: '1000001' }));
    await expect(transferWithAuthorization(devnet, tooMuch)).rejects.toThrow('ERC20: transfer amount exceeds balance');
  });

  it('counts neither bound of the time window as inside', async () => {
    const payment = await signPayment(devnet, await freshPayer(devnet), requirementsOn(devnet));
    const [, , , validAfter, validBefore] = authorizationOf(payment);
    const at = (time: bigint) =>
      clientOf(devnet).simulateContract({
        address: devnet.usdc,
        abi: eip3009ABI,
        functionName: 'transferWithAuthorization',
        args: [...authorizationOf(payment), signatureOf(payment)],
        blockOverrides: { time },
      });
    await expect(at(validBefore)).rejects.toThrow('FiatTokenV2: authorization is expired');
    await expect(at(validAfter)).rejects.toThrow('FiatTokenV2: authorization is not yet valid');
    await at(validBefore - 1n);
    await at(validAfter + 1n);
  });

  it('lets only the payee receive', async () => {
    const payment = await signPayment(devnet, await freshPayer(devnet), requirementsOn(devnet));
    const receive = clientOf(devnet).simulateContract({
      account: devnet.accounts.settler.address,
      address: devnet.usdc,
      abi: TOKEN_ABI,
      functionName: 'receiveWithAuthorization',
      args: [...authorizationOf(payment), signatureOf(payment)],
    });
    await expect(receive).rejects.toThrow('FiatTokenV2: caller must be the payee');
  });
});
