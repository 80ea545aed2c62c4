import type { Plan } from '../domain/plan.ts';
import type { Runtime } from '../pipeline/runtime.ts';

/**
 * Prepares the keys of a plan's agents; `undefined` where it has none: then no code of it is loaded.
 *
 * @param clock Unix milliseconds
 */
export async function openAgents({ agents }: Plan, clock: () => number): Promise<Runtime['agents']> {
  if (agents.length === 0) return undefined;
  const { AgentSignatures } = await import('../content/agent-signatures.ts');
  return new AgentSignatures(agents, clock);
}
