#!/usr/bin/env node
// Forwards argv and streams to the command line in src/cli. What keeps even that from being loaded is said here, in a
// sentence: nothing below may be imported before, and nothing here may need more than an old Node.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';

const here = (path) => new URL(path, import.meta.url);

const reason = whyNot();
if (reason === undefined) {
  if (process.argv[2] === 'start') beginAgainInOneArena();
  // Before anything else is loaded.
  const { keepCompiledCode, setUpMemory } = await import('#engine');
  setUpMemory();
  keepCompiledCode(process.env, homedir);

  const { run } = await import('#cli');
  process.exitCode = await run(process.argv.slice(2), process);
} else {
  process.stderr.write(`turnpike: ${reason}\n`);
  process.exitCode = 2;
}

/**
 * Puts this process in its own place, with its id and its open files, where glibc would give each of V8's threads an
 * arena of memory, which gives back little of what is freed. It reads its settings only when a process begins.
 */
function beginAgainInOneArena() {
  const { env, platform, channel, permission, execPath, execArgv, argv0, argv } = process;
  // A parent's channel does not outlive it, Node's permissions may forbid it, and older versions of Node cannot.
  if (platform !== 'linux' || 'MALLOC_ARENA_MAX' in env || channel || permission || !process.execve) return;
  process.execve(execPath, [argv0, ...execArgv, ...argv.slice(1)], { ...env, MALLOC_ARENA_MAX: '1' });
}

/** Why this command cannot run at all, and what to do about it; `undefined` when it can. */
function whyNot() {
  const { engines, dependencies } = JSON.parse(readFileSync(here('../package.json'), 'utf8'));
  const wanted = engines.node.replace(/[^\d.]/g, '');
  if (isOlder(process.versions.node, wanted)) {
    return `it needs Node ${wanted} or later, and this is ${process.versions.node}; install a newer one from https://nodejs.org`;
  }
  const isSource = process.execArgv.concat(process.env.NODE_OPTIONS || '').some((option) => /development/.test(option));
  if (!isSource && !existsSync(here('../dist/cli/main.js'))) {
    return 'this checkout is not built; run `npm ci && npm run build`, or run it from its source with `npm run turnpike --`';
  }
  for (const name of Object.keys(dependencies)) {
    if (process.versions.pnp === undefined && !isInstalled(name))
      return `its packages are not installed (${name} is missing); run \`npm ci\``;
  }
  return undefined;
}

/** In the folder of the package, or in one above it, as an installed package has its own beside it. */
function isInstalled(name) {
  for (let folder = here('../'); ; folder = new URL('../', folder)) {
    if (existsSync(new URL(`node_modules/${name}/package.json`, folder))) return true;
    if (folder.pathname === new URL('../', folder).pathname) return false;
  }
}

function isOlder(version, wanted) {
  const [have, need] = [version, wanted].map((text) => text.split('.').map(Number));
  const at = need.findIndex((part, index) => part !== (have[index] || 0));
  return at !== -1 && (have[at] || 0) < need[at];
}
