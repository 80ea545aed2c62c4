import type { Plan } from '../../domain/plan.ts';
import type { PassStore } from '../../store/passes.ts';
import type { CliWorld } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { openToChange, unlessUnreadable } from '../ledger/open-books.ts';
import { readPlan } from '../read-plan.ts';

/**
 * Opens the passes of the store that a configuration names, and closes it after `use`.
 *
 * @throws UsageError for a store that no other process can read
 * @throws CommandFailure when there is no store, or it cannot be read
 */
export async function withPasses(
  config: string,
  world: CliWorld,
  use: (passes: PassStore, plan: Plan) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { plan } = await readPlan(config, world);
  const store = await openToChange(plan.store, world.registry);
  try {
    return await unlessUnreadable(() => use(store.passes, plan));
  } finally {
    await store.close();
  }
}
