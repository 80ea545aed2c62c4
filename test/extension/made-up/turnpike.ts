import { run } from '../../../src/cli/main.ts';
import { madeUp } from './registry.ts';

/* The command line of a gateway of made-up parts. */

process.exitCode = await run(process.argv.slice(2), process, madeUp);
