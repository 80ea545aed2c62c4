import type { ErrorCode } from '../domain/gateway-error.ts';
import type { PassEvent } from '../observe/observer.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Refusal } from './stages.ts';

const USE_OF_CODE = {
  access_token_malformed: 'malformed',
  access_token_invalid: 'invalid',
  access_token_expired: 'expired',
  access_token_revoked: 'revoked',
  access_quota_exhausted: 'exhausted',
  access_balance_too_low: 'exhausted',
  access_balance_in_use: 'exhausted',
} as const satisfies Partial<Record<ErrorCode, PassEvent['kind']>>;

/** The metric kind of a pass's refusal; `undefined` for a code that does not concern passes. */
export function passUseOf(code: ErrorCode): PassEvent['kind'] | undefined {
  const uses: Partial<Record<ErrorCode, PassEvent['kind']>> = USE_OF_CODE;
  return uses[code];
}

/** Refuses the pass that a request brought. */
export function refusePass({ notes }: RoutedRequest, code: keyof typeof USE_OF_CODE, detail?: string): Refusal {
  notes.passUse = USE_OF_CODE[code];
  return { kind: 'refusal', code, reason: code, ...(detail === undefined ? {} : { detail }) };
}
