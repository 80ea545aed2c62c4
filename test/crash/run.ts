import { runCrash } from './crash.ts';
import { runMeteredCrash } from './metered.ts';
import { findMeteredViolations } from './metered-invariants.ts';
import { parseOptions, USAGE } from './options.ts';
import { meteredReportOf, reportOf } from './report.ts';

/*
 * The crash test, in full: payments in flight, `kill -9` at random instants, restart, and again; then the same with metered
 * calls, streams and balances. Exit code 1 when there is a violation.
 */

type Options = NonNullable<ReturnType<typeof parseOptions>>;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const options = parseOptions(process.argv.slice(2));
if (options === undefined) {
  print(USAGE);
} else {
  const { part } = options;
  if (part !== 'metered') await runPayments(options);
  if (part !== 'payments') await runMetered(options);
}

async function runPayments(chosen: Options): Promise<void> {
  print(`seed ${chosen.seed}, ${chosen.kills} kills, ${chosen.payments} payments, ${chosen.store}`);
  const result = await runCrash({ ...chosen, progress: print });
  print(reportOf(result));
  if (result.violations.length > 0) process.exitCode = 1;
}

async function runMetered({ seed, kills, store }: Options): Promise<void> {
  print(`metered: seed ${seed}, ${kills} kills, ${store}`);
  const evidence = await runMeteredCrash({ seed, kills, store });
  const violations = findMeteredViolations(evidence);
  print(meteredReportOf(evidence, violations));
  if (violations.length > 0) process.exitCode = 1;
}
