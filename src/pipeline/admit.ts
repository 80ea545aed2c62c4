import { balanceDigits } from '../domain/balance.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import { type Pass, type PassHolder, type PassId, passEnd } from '../domain/pass.ts';
import { isPrefetch } from '../domain/request-head.ts';
import type { RequestTrace, StageFacts } from '../observe/tracer.ts';
import type { QuotaOutcome, QuotaUnit } from '../pass/quota.ts';
import type { AccessToken } from '../pass/token.ts';
import { accessPassHeaders } from '../protocol/access-pass.ts';
import { carriedTokens } from '../proxy/carried-token.ts';
import type { PaidFacts } from '../proxy/headers/to-upstream.ts';
import { admitAccount } from './admit-free.ts';
import { checkSignIn, signInRefusal, spendSignIn } from './carried-sign-in.ts';
import type { RoutedRequest } from './exchange.ts';
import { handOut } from './issue-pass.ts';
import { refusePass } from './refuse-pass.ts';
import type { OpenPrice, PassAccess, Services } from './runtime.ts';
import type { SignedIn, SignInGate } from './sign-in.ts';
import type { Admission, Refusal } from './stages.ts';
import { traced } from './traced.ts';

/**
 * Opens a route with `access` for the holder of a pass: by its token, or by signing in with the account that paid.
 * `undefined` where the request has to be paid for. A request with a payment is a purchase, whatever else it carries:
 * it was sent on purpose, is charged and extends the pass.
 *
 * A token that was verified lately, whose pass has a request lent to this process, is admitted without a wait.
 *
 * @throws GatewayError `store_unavailable`: in doubt nothing is opened
 */
export function admit(request: RoutedRequest, open: OpenPrice, services: Services): Admitted | Promise<Admitted> {
  const { access, signIn } = open;
  if (access === undefined) return undefined;
  const { trace } = request.notes;
  const ways: PassWays = { access, signIn };
  if (trace === undefined) return admitByPass(request, ways, services);
  return admitTraced(request, ways, services, trace);
}

function admitTraced(
  request: RoutedRequest,
  ways: PassWays,
  services: Services,
  trace: RequestTrace,
): Promise<Admitted> {
  return traced(trace, 'admit', async () => admitByPass(request, ways, services), factsOfAdmission);
}

/** The result of showing a pass; `undefined` where none was shown. */
type Admitted = Admission | Refusal | undefined;

function factsOfAdmission(admitted: Admitted): StageFacts {
  return { outcome: admitted?.kind ?? 'none' };
}

/** The ways to open a price that sells passes. */
interface PassWays {
  readonly access: PassAccess;
  readonly signIn: SignInGate | undefined;
}

function admitByPass(request: RoutedRequest, ways: PassWays, services: Services): Admitted | Promise<Admitted> {
  const { access } = ways;
  const carried = carriedTokens(request.head.rawHeaders);
  // Only what a browser remembers can be sent ahead of its user.
  const isAhead = carried.cookies.length > 0 && isPrefetch(request.head);
  const token = chooseToken(carried.explicit, carried.cookies, access, isAhead);
  if (token.kind === 'several') return refusePass(request, 'access_token_malformed', 'Several tokens were sent.');
  const byToken = token.kind === 'one' ? admitByToken(request, access, token.text, services) : undefined;
  if (byToken instanceof Promise) return byToken.then((result) => orBySignIn(result, request, ways, services));
  return orBySignIn(byToken, request, ways, services);
}

/** Looks at the sign-in where no token opens the route. */
function orBySignIn(
  byToken: Admitted,
  request: RoutedRequest,
  { access, signIn }: PassWays,
  services: Services,
): Admitted | Promise<Admitted> {
  if (byToken?.kind === 'admitted') return byToken;
  const check = checkSignIn(request, signIn);
  if (check === undefined) return byToken;
  if (check.kind === 'refused') return signInRefusal(request, check.reason);
  return admitBySignIn(request, { access, signIn }, check, services);
}

type ChosenToken = { readonly kind: 'none' | 'several' } | { readonly kind: 'one'; readonly text: string };

/**
 * Chooses the token. A header, which a client sends on purpose, counts before a cookie, which its browser remembers. Of
 * several cookies (of paths above and below) the first that was made for this scope counts. A cookie that is not a
 * token is ignored, because a browser's user cannot correct it. A prefetch uses up nothing that a cookie has paid for.
 */
function chooseToken(
  explicit: readonly string[],
  cookies: readonly string[],
  access: PassAccess,
  isAhead: boolean,
): ChosenToken {
  const [first] = explicit;
  if (first !== undefined) {
    return explicit.some((other) => other !== first) ? { kind: 'several' } : { kind: 'one', text: first };
  }
  let text: string | undefined;
  for (const cookie of cookies) {
    const check = access.tokens.check(cookie);
    if (isAhead && check.kind === 'signed' && (check.token.counted || check.token.isBalance)) continue;
    if (check.kind === 'signed' && check.token.scope === access.scope) return { kind: 'one', text: cookie };
    if (check.kind !== 'malformed') text ??= cookie;
  }
  return text === undefined ? { kind: 'none' } : { kind: 'one', text };
}

function admitByToken(
  request: RoutedRequest,
  access: PassAccess,
  text: string,
  services: Services,
): Admission | Refusal | Promise<Admission | Refusal> {
  const check = access.tokens.check(text);
  if (check.kind === 'malformed') return refusePass(request, 'access_token_malformed');
  if (check.kind === 'unsigned') return refusePass(request, 'access_token_invalid');
  const { token } = check;
  if (isOfThisVersion(token, access)) return admitHolder(request, access, token, services);
  return wasSoldFor(token, access, services).then((wasSold) =>
    wasSold ? admitHolder(request, access, token, services) : refusePass(request, 'access_token_invalid'),
  );
}

/** Admits the holder of a token for this route, if its pass is valid. */
function admitHolder(
  request: RoutedRequest,
  { rule }: PassAccess,
  token: AccessToken,
  services: Services,
): Admission | Refusal | Promise<Admission | Refusal> {
  const { expiresAt, holder, passId, counted } = token;
  request.notes.pass = passId;
  request.notes.payer = holder.payer;
  if (expiresAt !== undefined && expiresAt <= services.clock()) return refusePass(request, 'access_token_expired');
  if (services.passes.revoked.has(passId)) return refusePass(request, 'access_token_revoked');
  const unit = takeUnit(request, passId, counted, services);
  if (unit instanceof Promise) return unit.then((taken) => admitWith(request, rule, token, taken));
  return admitWith(request, rule, token, unit);
}

function admitWith(
  request: RoutedRequest,
  { terms: { scope } }: PassAccess['rule'],
  { expiresAt, holder, passId, isBalance }: AccessToken,
  unit: TakenUnit | Refusal | undefined,
): Admission | Refusal {
  if (unit?.kind === 'refusal') return unit;
  const headers = accessPassHeaders({ scope, expiresAt, remaining: unit?.remaining });
  return admission(request, { holder, passId, unit, isBalance }, headers);
}

function isOfThisVersion(token: AccessToken, { scope, rule }: PassAccess): boolean {
  return token.scope === scope && token.version === rule.terms.version;
}

/**
 * A pass from before a change of the price table opens only the routes that it was sold for, whatever its scope holds
 * today.
 */
async function wasSoldFor(
  { passId, isBalance }: AccessToken,
  { tokens, rule }: PassAccess,
  services: Services,
): Promise<boolean> {
  const fingerprint = isBalance ? rule.balanceFingerprint : rule.fingerprint;
  return fingerprint !== undefined && (await tokens.opensOf(passId, services.ledger.passes)).includes(fingerprint);
}

async function admitBySignIn(
  request: RoutedRequest,
  { access, signIn }: PassWays,
  signedIn: SignedIn,
  services: Services,
): Promise<Admission | Refusal> {
  const now = services.clock();
  const holder: PassHolder = { family: 'eip155', payer: signedIn.account };
  request.notes.payer = signedIn.account;
  const pass = await findPass(access, holder, now, services);
  if (pass === undefined) {
    // A sign-in that may still open a free request is not recorded as fruitless.
    if (request.route.free?.by !== 'payer') signIn?.cameToNothing(signedIn);
    // The sign-in is valid, but its account has no pass: it is told the price.
    return { kind: 'refusal', code: 'payment_required', reason: 'Payment required' };
  }
  if (!(await spendSignIn(signedIn, services))) return signInRefusal(request, 'invalid_siwx_nonce');
  request.notes.pass = pass.id;
  const isBalance = pass.balance !== undefined;
  const unit = await takeUnit(request, pass.id, pass.quota !== undefined && !isBalance, services);
  if (unit?.kind === 'refusal') {
    // The last request of the pass was taken meanwhile: the sign-in may still open a free request.
    const free = await admitAccount(request, signedIn.account, services);
    if (free?.kind !== 'admitted') return unit;
    request.notes.pass = undefined;
    return free;
  }
  const headers = handOut(request, access, pass, unit?.remaining, now);
  return admission(request, { holder, passId: pass.id, unit, isBalance }, headers);
}

/**
 * The pass that lasts longest among those that open this route and have requests left; among balances, the one with the
 * most whole units of its asset.
 */
async function findPass(
  { rule }: PassAccess,
  holder: PassHolder,
  now: number,
  { ledger, passes }: Services,
): Promise<Pass | undefined> {
  const found = await ledger.passes.findPasses(rule.terms.scope, holder, now);
  const opening = rule.terms.balance === undefined ? rule.fingerprint : rule.balanceFingerprint;
  const good = found.filter(
    (pass) =>
      opening !== undefined &&
      pass.opens.includes(opening) &&
      passEnd(pass, now) === undefined &&
      !passes.revoked.has(pass.id),
  );
  return good.reduce<Pass | undefined>(
    (most, pass) => (most && worthOf(most) >= worthOf(pass) ? most : pass),
    undefined,
  );
}

/** What is left of a balance, in units that compare across assets; 0 for other passes, which keep their order. */
function worthOf({ balance, quota }: Pass): bigint {
  if (balance === undefined || quota === undefined) return 0n;
  return BigInt(quota.available) * 10n ** BigInt(18 - balanceDigits(balance));
}

type TakenUnit = { readonly kind: 'unit' } & QuotaUnit;

function takeUnit(
  request: RoutedRequest,
  id: PassId,
  counted: boolean,
  { passes }: Services,
): TakenUnit | Refusal | undefined | Promise<TakenUnit | Refusal> {
  if (!counted) return undefined;
  const taking = passes.quota.take(id);
  return taking instanceof Promise ? taking.then((taken) => unitOf(request, taken)) : unitOf(request, taking);
}

function unitOf(request: RoutedRequest, taken: QuotaOutcome): TakenUnit | Refusal {
  switch (taken.kind) {
    case 'taken': {
      const { unit } = taken;
      return { kind: 'unit', remaining: unit.remaining, giveBack: () => unit.giveBack() };
    }
    case 'used_up':
      return refusePass(request, 'access_quota_exhausted');
    case 'gone':
      return refusePass(request, CODE_OF_END[taken.why]);
  }
}

const CODE_OF_END = {
  revoked: 'access_token_revoked',
  expired: 'access_token_expired',
  unknown: 'access_token_invalid',
} as const satisfies Record<string, ErrorCode>;

/** The pass that opens a route. */
interface Opening {
  readonly holder: PassHolder;
  readonly passId: PassId;
  readonly unit: TakenUnit | undefined;
  readonly isBalance: boolean;
}

function admission(
  request: RoutedRequest,
  { holder, passId, unit, isBalance }: Opening,
  headers: Admission['headers'],
): Admission {
  request.notes.passUse = 'served';
  const facts: PaidFacts = { payer: holder.payer, route: request.price.id, pass: passId };
  return {
    kind: 'admitted',
    outcome: 'pass',
    facts,
    headers,
    balance: isBalance ? passId : undefined,
    giveBack() {
      request.notes.passUse = 'returned';
      unit?.giveBack();
    },
  };
}
