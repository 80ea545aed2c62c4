import { inFileOrder, type Problem, renderProblem } from '../config/problem.ts';
import type { NamedNode, TokenClaim } from '../config/token-claims.ts';
import type { TokenFault, TokenReader } from '../facilitator/chain/token-facts.ts';
import { describeCause } from '../observe/cause.ts';
import type { Logger } from '../observe/log.ts';

/** How often nodes that did not answer are asked again, in milliseconds. */
const AGAIN_MS = 60_000;

/** The contracts' answers to the configuration's statements. */
export interface TokenAnswers {
  /** The mistakes, in the order of the file. */
  readonly problems: readonly Problem[];
  /** Warnings of nodes that did not answer. */
  readonly unasked: readonly Problem[];
  /** Statements that no node has answered yet. */
  readonly silent: readonly TokenClaim[];
}

/** The parts of a check. */
export interface TokenCheckDeps {
  /** Loads the code that talks to nodes, only when there is something to ask. */
  readonly load: () => Promise<TokenReader>;
  readonly log: Logger;
}

/** One node's answer to one claim. */
interface Answer {
  readonly claim: TokenClaim;
  readonly node: NamedNode;
  readonly said: readonly TokenFault[] | { readonly trouble: string };
}

/**
 * Checks tokens in their long form against their contracts: a wrong number of decimals sells at another price, and a
 * wrong name or version refuses every buyer. A gateway starts without a node that does not answer. The node is asked
 * again, and its answer is then logged and shown on `/readyz` until another configuration is in force.
 */
export class TokenCheck {
  readonly #deps: TokenCheckDeps;
  #silent: readonly TokenClaim[] = [];
  #problems: readonly Problem[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: TokenCheckDeps) {
    this.#deps = deps;
  }

  /** Mistakes that were found after the configuration came into force. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Asks every node about each token that it knows, each question once. */
  async ask(claims: readonly TokenClaim[]): Promise<TokenAnswers> {
    if (claims.length === 0) return { problems: [], unasked: [], silent: [] };
    const read = await this.#deps.load();
    const asked = new Map<string, Promise<Answer['said']>>();
    const pairs = claims.flatMap((claim) => claim.nodes.map((node) => ({ claim, node })));
    const answers = await Promise.all(
      pairs.map(async ({ claim, node }): Promise<Answer> => {
        const { asset } = claim;
        const key = JSON.stringify([node.url, asset]);
        const said = asked.get(key) ?? read(node.url, asset, node.proxy).catch((fault: unknown) => troubleOf(fault));
        asked.set(key, said);
        return { claim, node, said: await said };
      }),
    );
    const problems = answers.flatMap(problemsOf);
    const unasked = answers.flatMap(warningsOf);
    const silent = answers.flatMap(({ claim, node, said }) => ('trouble' in said ? [{ ...claim, nodes: [node] }] : []));
    return { problems: inFileOrder(problems), unasked: inFileOrder(unasked), silent };
  }

  /** A configuration has come into force, with statements that are still to be checked. */
  follow(silent: readonly TokenClaim[]): void {
    this.close();
    this.#silent = silent;
    this.#problems = [];
    if (silent.length > 0) this.#timer = setInterval(() => void this.askAgain(), AGAIN_MS).unref();
  }

  /** Asks the nodes that did not answer. The result is dropped when another configuration is in force by then. */
  async askAgain(): Promise<void> {
    const before = this.#silent;
    const { problems, silent } = await this.ask(before);
    if (this.#silent !== before) return;
    this.#silent = silent;
    if (silent.length === 0) this.close();
    if (problems.length === 0) return;
    this.#problems = inFileOrder([...this.#problems, ...problems]);
    this.#deps.log.error({ problems: problems.map(renderProblem) }, 'tokens are not what the configuration says');
  }

  /** Stops asking. */
  close(): void {
    clearInterval(this.#timer);
  }
}

function troubleOf(fault: unknown): { readonly trouble: string } {
  return { trouble: describeCause(fault) ?? 'no answer' };
}

function problemsOf({ claim, node, said }: Answer): readonly Problem[] {
  if ('trouble' in said) return [];
  return said.map(({ key, wrong, right }) => ({ ...(key === 'node' ? node.at : claim.at[key]), wrong, right }));
}

function warningsOf({ claim, node, said }: Answer): readonly Problem[] {
  if (!('trouble' in said)) return [];
  const wrong = `the node cannot be asked about ${claim.asset.symbol} (${said.trouble}); it is asked again`;
  return [{ ...node.at, wrong, right: 'a node that answers' }];
}
