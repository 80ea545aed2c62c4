import { GatewayError } from '../domain/gateway-error.ts';

/** A body that can be read in two ways. `detail` is one sentence about what is wrong with it. */
export function bodyAmbiguous(detail: string): GatewayError {
  return new GatewayError('body_ambiguous', { detail });
}
