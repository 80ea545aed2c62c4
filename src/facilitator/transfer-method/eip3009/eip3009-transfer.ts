import type { Eip3009Payload } from '../../../evm/eip3009.ts';
import type { TransferFacts } from '../transfer-facts.ts';
import type { WalletDeployment } from '../wallet-deployment.ts';

/** A transfer that the token itself makes on a signed authorization. */
export interface Eip3009Transfer extends TransferFacts {
  readonly signed: Eip3009Payload;
  readonly deployment: WalletDeployment | undefined;
}
