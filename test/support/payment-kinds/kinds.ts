import { mppOnEvm } from './mpp-on-evm.ts';
import type { PaymentKind } from './payment-kind.ts';
import { x402OnEvm } from './x402-on-evm.ts';
import { x402OnSolana } from './x402-on-solana.ts';

/** Every way to pay that attacks are tried on. */
export const paymentKinds: readonly PaymentKind[] = [x402OnEvm, mppOnEvm, x402OnSolana];
