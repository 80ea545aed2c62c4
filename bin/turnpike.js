#!/usr/bin/env node
// Forwards argv and streams to the command line in src/cli; nothing else belongs here.
import { run } from '#cli';

process.exitCode = await run(process.argv.slice(2), process);
