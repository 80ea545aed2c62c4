import { type ErrorCode, GatewayError } from '../../domain/gateway-error.ts';

/** A fault on its way between two processes: errors of our own classes cannot be copied. */
export type RelayedFault =
  | {
      readonly kind: 'gateway';
      readonly code: ErrorCode;
      readonly detail: string | undefined;
      readonly retryAfterSeconds: number | undefined;
      /** The cause in words, for logs. */
      readonly cause: string | undefined;
    }
  /** A fault without a public code. */
  | { readonly kind: 'other'; readonly message: string };

/** Converts a fault for copying. */
export function relayFault(fault: unknown): RelayedFault {
  if (!(fault instanceof GatewayError)) return { kind: 'other', message: messageOf(fault) };
  const { code, detail, retryAfterSeconds, cause } = fault;
  return {
    kind: 'gateway',
    code,
    detail,
    retryAfterSeconds,
    cause: cause === undefined ? undefined : messageOf(cause),
  };
}

/** Restores an error from what {@link relayFault} wrote: a {@link GatewayError} has its code again. */
export function restoreFault(fault: RelayedFault): Error {
  if (fault.kind === 'other') return new Error(fault.message);
  const { code, detail, retryAfterSeconds, cause } = fault;
  return new GatewayError(code, {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
