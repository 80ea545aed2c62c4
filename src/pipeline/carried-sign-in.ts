import { SIGN_IN_WITH_X } from '../protocol/sign-in-with-x.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';
import type { SignedIn, SignInCheck, SignInGate } from './sign-in.ts';
import type { Refusal } from './stages.ts';

/** Checks the sign-in of a request, except whether its nonce was used; `undefined` where there is none. */
export function checkSignIn(
  { head, resourceUrl }: RoutedRequest,
  gate: SignInGate | undefined,
): SignInCheck | undefined {
  const header = head.headers[SIGN_IN_WITH_X];
  return typeof header === 'string' ? gate?.check(header, resourceUrl) : undefined;
}

/** Uses up the nonce: of any number of copies of one sign-in, one is admitted. */
export async function spendSignIn({ nonce, until }: SignedIn, { ledger }: Services): Promise<boolean> {
  return await ledger.passes.spendNonce(nonce, until);
}

/** @param reason one of the specification's reasons */
export function signInRefusal({ notes }: RoutedRequest, reason: string): Refusal {
  notes.passUse = 'sign_in';
  return { kind: 'refusal', code: 'sign_in_refused', reason };
}
