import { existsSync } from 'node:fs';
import type { Pass } from '../../domain/pass.ts';
import { passEnd } from '../../domain/pass.ts';
import type { Plan } from '../../domain/plan.ts';
import { paidPrices } from '../../domain/route-price.ts';
import { isSignedWith, type ReadToken, readToken, scopeDigest } from '../../pass/token.ts';
import { createTokenKey, signingKeys } from '../../pass/token-keys.ts';
import type { PassStore } from '../../store/passes.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { DEFAULT_FILE } from '../read-plan.ts';
import { print, printable, printJson, type Terminal } from '../terminal.ts';
import { withPasses } from './open-passes.ts';

interface InspectOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** The known facts of a token, as plain data. The last members are there only with a configuration. */
interface TokenFacts {
  readonly pass: string;
  readonly family: string;
  readonly payer: string;
  readonly key: string;
  /** The scope's name where the configuration has it, else its digest. */
  readonly scope: string;
  readonly version: string;
  readonly expiresAt: string | null;
  readonly counted: boolean;
  readonly signature: 'good' | 'bad' | 'not checked';
  /** Whether the price table sells under the same terms; `null` where it was not compared. */
  readonly current: boolean | null;
  readonly state?: 'good' | 'revoked' | 'expired' | 'used_up' | 'unknown';
  readonly issuedAt?: string;
  readonly passExpiresAt?: string | null;
  readonly bought?: number;
  /** Requests that are not lent to a process. */
  readonly available?: number;
  readonly lent?: number;
}

/** Adds `turnpike token inspect`. */
export function addInspect({ program, finish, ...world }: Cli, clock: () => number): void {
  program
    .command('inspect')
    .description('show what an access token says; with a configuration also whether it is good, and what is left')
    .argument('<token>', 'the token, beginning with tpk_')
    .option(
      '-c, --config <file>',
      `configuration file: checks the signature and asks its store (default: ${DEFAULT_FILE}, where it is there)`,
    )
    .option('--json', 'write JSON')
    .addHelpText(
      'after',
      example('turnpike token inspect tpk_…', 'turnpike token inspect tpk_… -c gateway.yaml --json'),
    )
    .action(async (token: string, options: InspectOptions) => finish(await inspect(token, options, world, clock())));
}

async function inspect(text: string, options: InspectOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const read = readToken(text);
  if (read === undefined) {
    throw new UsageError(
      'this is no access token: one is `tpk_`, then two parts of letters, digits, - and _ with a dot between them, exactly as the gateway wrote it',
    );
  }
  const config = options.config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  if (config === undefined) return show(factsOf(read), options, terminal);
  return await withPasses(config, world, async (passes, plan) => {
    const isGood = await isSigned(read, passes, plan);
    // A forged token may name any pass: nothing is shown of it.
    const pass = isGood ? await passes.findPass(read.token.passId) : undefined;
    const facts: TokenFacts = {
      ...factsOf(read),
      ...againstPlan(read, plan),
      signature: isGood ? ('good' as const) : ('bad' as const),
    };
    const whole = isGood ? { ...facts, ...stateOf(pass, now) } : facts;
    show(whole, options, terminal);
    const { expiresAt } = read.token;
    return whole.state === 'good' && (expiresAt === undefined || expiresAt > now) ? 0 : 1;
  });
}

function factsOf({ token, keyId }: ReadToken): TokenFacts {
  const { passId, scope, version, holder, expiresAt, counted } = token;
  return {
    pass: passId,
    family: holder.family,
    payer: holder.payer,
    key: keyId,
    scope,
    version,
    expiresAt: timeOf(expiresAt),
    counted,
    signature: 'not checked',
    current: null,
  };
}

async function isSigned(read: ReadToken, passes: PassStore, { accessTokens }: Plan): Promise<boolean> {
  const { keys } = accessTokens;
  const secrets = keys.length > 0 ? keys : [(await passes.tokenKey(createTokenKey)).secret];
  return signingKeys(secrets).some((key) => key.id === read.keyId && isSignedWith(read, key));
}

function againstPlan({ token }: ReadToken, { routes }: Plan): Pick<TokenFacts, 'scope' | 'current'> {
  const terms = routes.flatMap(paidPrices).flatMap(({ access }) => (access === undefined ? [] : [access.terms]));
  const found = terms.find(({ scope }) => scopeDigest(scope) === token.scope);
  return { scope: found?.scope ?? token.scope, current: found?.version === token.version };
}

function stateOf(pass: Pass | undefined, now: number): Partial<TokenFacts> {
  if (pass === undefined) return { state: 'unknown' };
  const { quota } = pass;
  return {
    state: passEnd(pass, now) ?? 'good',
    issuedAt: new Date(pass.issuedAt).toISOString(),
    passExpiresAt: timeOf(pass.expiresAt),
    ...(quota !== undefined && { bought: quota.bought, available: quota.available, lent: quota.lent }),
  };
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function show(facts: TokenFacts, { json }: InspectOptions, terminal: Terminal): ExitCode {
  if (json === true) {
    printJson(terminal, facts);
    return 0;
  }
  for (const [name, value] of Object.entries(facts)) {
    if (value !== null) print(terminal, `${LABELS[name] ?? name}`.padEnd(16) + wordOf(value));
  }
  return 0;
}

function wordOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return printable(String(value));
}

const LABELS: Readonly<Record<string, string>> = {
  expiresAt: 'token ends',
  counted: 'has a quota',
  current: 'terms in force',
  issuedAt: 'sold',
  passExpiresAt: 'pass ends',
  lent: 'in hand',
};
