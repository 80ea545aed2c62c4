import { generateKeyPairSigner } from '@solana/kit';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Devnet } from '../devnet.ts';
import { encodePayment, handSigned, type Requirement, toHeader } from '../payment-header.ts';
import type { SvmChain } from '../svm/local-chain.ts';

/** Somebody who pays. */
export interface Payer {
  readonly address: string;
  /** Signs a payment that is good for the whole scene; gives the header. */
  sign(requirements: Requirement): Promise<string>;
}

/** The local chain that a scene's money is on. */
export interface Money {
  /** As `accepts` and `facilitator.rpc` name it. */
  readonly network: string;
  readonly rpcUrl: string;
  newPayee(): Promise<string>;
  /** @param funds what it has, in atomic units */
  newPayer(funds: bigint): Promise<Payer>;
  balanceOf(owner: string): Promise<bigint>;
}

/** How long payments are good, in seconds: the doubt ends long before. */
const GOOD_SECONDS = 300;

/** USDC on the local EVM chain, by EIP-3009. */
export function evmMoney(devnet: Devnet): Money {
  return {
    network: 'base-sepolia',
    rpcUrl: devnet.rpcUrl,
    newPayee: async () => privateKeyToAccount(generatePrivateKey()).address,
    async newPayer(funds) {
      const key = generatePrivateKey();
      const { address } = privateKeyToAccount(key);
      await devnet.mint(address, funds);
      return {
        address,
        async sign(requirements) {
          const validBefore = String(Math.floor(Date.now() / 1000) + GOOD_SECONDS);
          return encodePayment(await handSigned(key, requirements, { authorization: { validBefore } }));
        },
      };
    },
    balanceOf: (owner) => devnet.usdcBalanceOf(owner as `0x${string}`),
  };
}

/** USDC on the local Solana chain, signed for by the official client: good for as long as the chain's blockhash. */
export function svmMoney(chain: SvmChain): Money {
  const account = async (usdc: bigint) => {
    const signer = await generateKeyPairSigner();
    chain.fund(signer.address, usdc);
    return signer;
  };
  return {
    network: 'solana-devnet',
    rpcUrl: chain.rpcUrl,
    newPayee: async () => (await account(0n)).address,
    async newPayer(funds) {
      const signer = await account(funds);
      const client = new ExactSvmScheme(signer, { rpcUrl: chain.rpcUrl });
      return {
        address: signer.address,
        async sign(accepted) {
          const { payload } = await client.createPaymentPayload(2, accepted as never);
          return toHeader({ x402Version: 2, accepted, payload });
        },
      };
    },
    balanceOf: async (owner) => chain.balance(owner),
  };
}
