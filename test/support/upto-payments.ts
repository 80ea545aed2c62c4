import { toClientEvmSigner } from '@x402/evm';
import { UptoEvmScheme as StockClient } from '@x402/evm/upto/client';
import { type Abi, getAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { type Amount, parseAmount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import type { Offer } from '../../src/domain/offer.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { JsonObject } from '../../src/domain/x402.ts';
import { loadUptoEvm } from '../../src/scheme/upto-evm/upto-evm.ts';
import { clientOf, type Devnet, type Payer } from './devnet.ts';

/** An amount in atomic units. */
export function units(amount: number | bigint): Amount {
  const parsed = parseAmount(String(amount));
  if (parsed === undefined) throw new Error(`${amount} is no amount`);
  return parsed;
}

/** An offer of at most `maximum` units of test USDC, payable to an account that nobody used before. */
export function uptoOffer(
  devnet: Pick<Devnet, 'network' | 'usdc'>,
  maximum: bigint,
  facilitatorAddress?: string,
): Offer {
  const payTo = privateKeyToAccount(generatePrivateKey()).address;
  const facts = { scheme: 'upto', network: devnet.network, payTo, maxTimeoutSeconds: 60 };
  const stated = facilitatorAddress === undefined ? {} : { facilitatorAddress: getAddress(facilitatorAddress) };
  return {
    ...facts,
    asset: {
      network: devnet.network,
      address: devnet.usdc,
      symbol: 'USDC',
      decimals: 6,
      name: 'USDC',
      version: '2',
      transferMethod: 'eip3009',
    },
    amount: units(maximum),
    v1Network: undefined,
    requirements: {
      ...facts,
      amount: String(maximum),
      asset: devnet.usdc,
      extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2', ...stated },
    },
  };
}

/** An offer of at most `maximum` units of an asset of six digits, by values alone. */
export function uptoOfferOf(maximum: bigint, address = `0x${'02'.repeat(20)}`): Offer {
  return uptoOffer({ network: 'eip155:84532' as Network, usdc: address as `0x${string}` }, maximum);
}

/** Signs for an offer with the stock client, and reads the payment with our scheme. */
export async function payUpto(
  devnet: Devnet,
  payer: Payer,
  offer: Offer,
  change: (payload: JsonObject) => JsonObject = (payload) => payload,
): Promise<Payment> {
  const payload = change(await signUpto(devnet, payer, offer));
  const scheme = await loadUptoEvm();
  const authentication = await scheme.authenticate(payload, offer, Date.now() / 1000);
  if (authentication.kind !== 'authentic') throw new Error(`not authentic: ${JSON.stringify(authentication)}`);
  const accepted = offer.requirements;
  return {
    submission: { version: 2, payload: { x402Version: 2, accepted, payload } },
    offer,
    authorization: authentication.authorization,
    resourceUrl: 'http://localhost/metered',
  };
}

/** The stock client's payload for an offer. */
export async function signUpto(devnet: Devnet, payer: Payer, offer: Offer): Promise<JsonObject> {
  const account = privateKeyToAccount(payer.key);
  const signer = toClientEvmSigner({
    address: payer.address,
    signTypedData: (data) => account.signTypedData(data),
    readContract: (call) => clientOf(devnet).readContract({ ...call, abi: call.abi as Abi }),
  });
  const { network } = offer;
  const requirements = {
    ...offer.requirements,
    network: network as `${string}:${string}`,
    extra: { ...offer.requirements.extra },
  };
  const made = await new StockClient(signer).createPaymentPayload(2, requirements);
  return JSON.parse(JSON.stringify(made.payload));
}
