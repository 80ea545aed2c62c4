#!/usr/bin/env node
// Forwards argv and streams to the command line in src/cli; nothing else belongs here.
import { homedir } from 'node:os';

// Before anything else is loaded.
const { keepCompiledCode, setUpMemory } = await import('#engine');
setUpMemory();
keepCompiledCode(process.env, homedir);

const { run } = await import('#cli');
process.exitCode = await run(process.argv.slice(2), process);
