import { parseOptions } from '../options.ts';
import { fuzzBodies } from './fuzz.ts';

/*
 * Bodies that decide prices: a gateway reads generated and damaged JSON, and the result is compared with JSON readers.
 * Exit code 1 when a body could be read as something dearer than its price, or when the gateway failed on one.
 */

const USAGE = `usage: node test/fuzz/bodies/run.ts [options]
  --minutes N                how long (default 1)
  --seed N                   what chance decides; the same seed makes the same bodies (default: the time)
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const options = parseOptions(process.argv.slice(2), Date.now());
if (options === undefined) {
  print(USAGE);
} else {
  const { minutes, seed } = options;
  print(`seed ${seed}, ${minutes} minutes`);
  const { cases, readers, statuses, violations } = await fuzzBodies({ seed, ms: minutes * 60_000, progress: print });
  print(`${cases} bodies, read by ${readers.join(' and ')}, ${JSON.stringify(statuses)}`);
  print(violations.length === 0 ? 'no violation' : violations.join('\n'));
  process.exitCode = violations.length === 0 ? 0 : 1;
}
