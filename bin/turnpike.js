#!/usr/bin/env node
// Forwards argv and streams to the command line in src/cli; nothing else belongs here.
import { setFlagsFromString } from 'node:v8';

// Before anything is loaded: bodies stream through buffers outside the heap, which only a collection gives back. A small
// young generation is collected often, at little cost, so that large bodies do not pile up between two collections.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--min-semi-space-size=1');
setFlagsFromString('--max-semi-space-size=1');

const { run } = await import('#cli');
process.exitCode = await run(process.argv.slice(2), process);
