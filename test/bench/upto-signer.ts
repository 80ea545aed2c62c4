import { randomBytes } from 'node:crypto';
import type { PaymentRequirements } from '@x402/core/types';
import { PERMIT2 } from '../../src/evm/addresses.ts';
import { createDigests } from '../../src/evm/eip712.ts';
import { loadKeccak256 } from '../../src/evm/keccak.ts';
import { UPTO_PERMIT, UPTO_PERMIT2_PROXY } from '../../src/evm/upto/upto-permit.ts';
import { openDigestSigner, PAYER, requireAddress } from './payment-signer.ts';

/** How long a payment stays good, in seconds: no longer than the offer allows. */
const GOOD_FOR_SECONDS = 240;

/** Signs the payloads of `upto` payments, each with a nonce of its own, as fast as the signer of `exact` ones. */
export async function openUptoSigner(): Promise<(offer: PaymentRequirements) => Record<string, unknown>> {
  const digests = createDigests(await loadKeccak256());
  const sign = await openDigestSigner();
  const from = requireAddress(PAYER);
  return ({ network, asset, amount, payTo, extra }) => {
    const domain = digests.permit2Domain(Number(network.split(':')[1]), PERMIT2);
    const permitted = { token: requireAddress(asset), amount: BigInt(amount) };
    const nonce = BigInt(`0x${randomBytes(32).toString('hex')}`);
    const deadline = BigInt(Math.floor(Date.now() / 1000) + GOOD_FOR_SECONDS);
    const facilitator = requireAddress(String(extra['facilitatorAddress']));
    const witness = { to: requireAddress(payTo), facilitator, validAfter: 0n };
    const permit = { signature: '0x', from, permitted, spender: UPTO_PERMIT2_PROXY, nonce, deadline, witness } as const;
    const signature = `0x${Buffer.from(sign(digests.permitWitnessTransfer(domain, UPTO_PERMIT, permit))).toString('hex')}`;
    return {
      signature,
      permit2Authorization: {
        from,
        permitted: { token: permitted.token, amount },
        spender: UPTO_PERMIT2_PROXY,
        nonce: String(nonce),
        deadline: String(deadline),
        witness: { ...witness, validAfter: '0' },
      },
    };
  };
}
