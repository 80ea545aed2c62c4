import { runCrash } from './crash.ts';
import { parseOptions, USAGE } from './options.ts';
import { reportOf } from './report.ts';

/*
 * The crash test, in full: payments in flight, `kill -9` at random instants, restart, and again. Exit code 1 when
 * something happened that must not.
 */

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const options = parseOptions(process.argv.slice(2));
if (options === undefined) {
  print(USAGE);
} else {
  print(`seed ${options.seed}, ${options.kills} kills, ${options.payments} payments, ${options.store}`);
  const result = await runCrash({ ...options, progress: print });
  print(reportOf(result));
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}
