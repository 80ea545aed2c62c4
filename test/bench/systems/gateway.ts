import { readFileSync } from 'node:fs';
import { setUpMemory } from '../../../src/engine/engine.ts';
import { announce } from './lifeline.ts';

/*
 * The gateway as `turnpike start` runs it, metrics and request log included, from the configuration file in argv.
 */

// As the command does, before anything of the gateway is loaded.
setUpMemory();
const { loadConfig } = await import('../../../src/config/load.ts');
const { openLog } = await import('../../../src/observe/log.ts');
const { loadSchemes } = await import('../../../src/registry.ts');
const { startGateway } = await import('../../../src/server/gateway.ts');

const file = process.argv[2] ?? 'gateway.yaml';
const schemes = await loadSchemes();
const loaded = loadConfig({ file, env: {}, readFile: (path) => readFileSync(path, 'utf8'), schemes });
if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
const gateway = await startGateway(loaded.plan, { schemes, log: await openLog(process.stdout) });
announce(gateway.url, () => gateway.close());
