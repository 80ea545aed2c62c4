import { runFuzz } from './fuzz.ts';
import { parseOptions, USAGE } from './options.ts';
import { reportOf } from './report.ts';

/*
 * Fuzzing: a real gateway between an API that checks what it gets and a facilitator that knows what was signed, under
 * generated and damaged requests, with honest clients beside them. Exit code 1 when there is a violation.
 */

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const options = parseOptions(process.argv.slice(2), Date.now());
if (options === undefined) {
  print(USAGE);
} else {
  const { minutes, seed, store } = options;
  print(`seed ${seed}, ${minutes} minutes, ${store}`);
  const result = await runFuzz({ seed, store, ms: minutes * 60_000, progress: print });
  print(reportOf(result));
  process.exitCode = result.violations.counts.size === 0 ? 0 : 1;
}
