import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { eip3009ABI, toClientEvmSigner, toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme as StockClient } from '@x402/evm/exact/client';
import { ExactEvmScheme as StockFacilitator } from '@x402/evm/exact/facilitator';
import {
  type Abi,
  createTestClient,
  type Hex,
  http,
  parseAbi,
  publicActions,
  type VerifyTypedDataParameters,
  walletActions,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Address } from '../../src/devnet/addresses.ts';
import { readArtifact } from '../../src/devnet/artifact.ts';
import { approvePermit2 as approveOnChain, DEVNET_CHAIN, type Devnet } from '../../src/devnet/devnet.ts';
import type { ContractName } from './contracts/sources.ts';

export { type Devnet, startDevnet } from '../../src/devnet/devnet.ts';

/** Where {@link placeAccountFactory} puts the factory. */
export const ACCOUNT_FACTORY: Address = '0xfac7000000000000000000000000000000000001';

/** The interface of `SmartAccountFactory.sol`. */
export const ACCOUNT_FACTORY_ABI = parseAbi([
  'function deploy(address owner, bytes32 salt) returns (address account)',
  'function addressOf(address owner, bytes32 salt) view returns (address)',
]);

/** Unlocked by anvil; sends what no account of the tests shall spend a transaction number on. */
const DEPLOYER: Address = '0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f';

const NO_SALT: Hex = `0x${'00'.repeat(32)}`;

/** A client that reads the chain, changes it by decree, and sends transactions of accounts whose key it is given. */
export function clientOf(devnet: Devnet) {
  return createTestClient({ mode: 'anvil', chain: DEVNET_CHAIN, transport: http(devnet.rpcUrl), pollingInterval: 20 })
    .extend(publicActions)
    .extend(walletActions);
}

/** Sets an account's ether, in wei. */
export async function setBalance(devnet: Devnet, address: Address, wei: bigint): Promise<void> {
  await clientOf(devnet).setBalance({ address, value: wei });
}

/** Puts a development contract at an address, such as a hostile token. It must need neither constructor nor state. */
export async function placeContract(devnet: Devnet, name: ContractName, address: Address): Promise<void> {
  const { deployedBytecode } = await readArtifact(name);
  await clientOf(devnet).setCode({ address, bytecode: deployedBytecode });
}

/** Puts the smart account factory on the chain; for ERC-6492 payments. May be called again. */
export async function placeAccountFactory(devnet: Devnet): Promise<Address> {
  await placeContract(devnet, 'SmartAccountFactory', ACCOUNT_FACTORY);
  return ACCOUNT_FACTORY;
}

/** The address that the owner's smart account has or will have. The factory must be there. */
export async function smartAccountAddress(devnet: Devnet, owner: Address, salt: Hex = NO_SALT): Promise<Address> {
  return await clientOf(devnet).readContract({
    address: ACCOUNT_FACTORY,
    abi: ACCOUNT_FACTORY_ABI,
    functionName: 'addressOf',
    args: [owner, salt],
  });
}

/** Deploys a smart account (EIP-1271) through the factory, and the factory with it. */
export async function deploySmartAccount(devnet: Devnet, owner: Address, salt: Hex = NO_SALT): Promise<Address> {
  const factory = await placeAccountFactory(devnet);
  await clientOf(devnet).writeContractSync({
    account: DEPLOYER,
    address: factory,
    abi: ACCOUNT_FACTORY_ABI,
    functionName: 'deploy',
    args: [owner, salt],
    throwOnReceiptRevert: true,
  });
  return await smartAccountAddress(devnet, owner, salt);
}

/** Lets Permit2 take any amount of a token from an account; its ether is the same afterwards. */
export async function approvePermit2(devnet: Devnet, key: Hex, token: Address = devnet.usdc): Promise<void> {
  await approveOnChain(devnet.rpcUrl, key, token);
}

/** Signs in the name of an account: a plain one with its own key, a smart account with its owner's. */
export interface Payer {
  readonly address: Address;
  readonly key: Hex;
  /** What becomes of the key's signature before it is sent, such as wrapping it for a smart account. */
  readonly wrap?: (signature: Hex) => Hex;
}

/** Signs a payment for a requirement with the stock client's `exact` scheme, which reads the chain where it needs to. */
export async function signPayment(
  devnet: Devnet,
  payer: Payer,
  accepted: PaymentRequirements,
  extensions: Record<string, unknown> = {},
): Promise<PaymentPayload> {
  const key = privateKeyToAccount(payer.key);
  const signer = toClientEvmSigner({
    address: payer.address,
    signTypedData: async (data) => {
      const signature = await key.signTypedData(data);
      return payer.wrap === undefined ? signature : payer.wrap(signature);
    },
    readContract: (call) => clientOf(devnet).readContract({ ...call, abi: call.abi as Abi }),
  });
  const made = await new StockClient(signer).createPaymentPayload(2, accepted, { extensions });
  return { ...made, accepted };
}

/** The stock facilitator's `exact` scheme, settling with the devnet's settler. */
export function stockFacilitator(devnet: Devnet, eip6492AllowedFactories: string[] = []): StockFacilitator {
  const client = clientOf(devnet);
  const account = privateKeyToAccount(devnet.accounts.settler.key);
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    readContract: (call) => client.readContract({ ...call, abi: call.abi as Abi, account }),
    verifyTypedData: (data) => client.verifyTypedData(data as VerifyTypedDataParameters),
    writeContract: (call) => client.writeContract({ ...call, abi: call.abi as Abi, account }),
    sendTransaction: (call) => client.sendTransaction({ ...call, account }),
    waitForTransactionReceipt: (wanted) => client.waitForTransactionReceipt(wanted),
    getCode: (wanted) => client.getCode(wanted),
  });
  return new StockFacilitator(signer, { eip6492AllowedFactories });
}

/** An account nobody used before, with 1 USDC and no ether. */
export async function freshPayer(devnet: Devnet): Promise<Payer> {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  await devnet.mint(address, 1_000_000n);
  return { address, key };
}

/** A requirement of 10000 units of test USDC on the devnet, payable to an account nobody used before. */
export function requirementsOn(devnet: Devnet, change: Partial<PaymentRequirements> = {}): PaymentRequirements {
  return {
    scheme: 'exact',
    network: `eip155:${devnet.chainId}`,
    asset: devnet.usdc,
    amount: '10000',
    payTo: privateKeyToAccount(generatePrivateKey()).address,
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
    ...change,
  };
}

/** What an EIP-3009 payment signs, as arguments of the contract, without the signature. */
export function authorizationOf(payment: PaymentPayload) {
  const signed = payment.payload['authorization'] as Record<string, string>;
  const number = (name: string): bigint => BigInt(signed[name] ?? '');
  const times = [number('validAfter'), number('validBefore')] as const;
  return [signed['from'] as Hex, signed['to'] as Hex, number('value'), ...times, signed['nonce'] as Hex] as const;
}

/** The signature of a payment. */
export function signatureOf(payment: PaymentPayload): Hex {
  return payment.payload['signature'] as Hex;
}

/** Settles an EIP-3009 payment without a facilitator and returns the receipt; rejects with the revert reason. */
export async function transferWithAuthorization(
  devnet: Devnet,
  payment: PaymentPayload,
  signature: Hex = signatureOf(payment),
) {
  const client = clientOf(devnet);
  const { request } = await client.simulateContract({
    account: privateKeyToAccount(devnet.accounts.settler.key),
    address: payment.accepted.asset as Address,
    abi: eip3009ABI,
    functionName: 'transferWithAuthorization',
    args: [...authorizationOf(payment), signature],
  });
  return await client.writeContractSync({ ...request, throwOnReceiptRevert: true });
}
