import { GatewayError } from '../../src/domain/gateway-error.ts';

/** The result of `work`, or the code of the fault that it throws. */
export function codeOr<Value>(work: () => Value): Value | string {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof GatewayError) return fault.code;
    throw fault;
  }
}
