import { readFileSync } from 'node:fs';
import { loadConfig } from '../../../src/config/load.ts';
import { openLog } from '../../../src/observe/log.ts';
import { loadSchemes } from '../../../src/registry.ts';
import { startGateway } from '../../../src/server/gateway.ts';
import { announce } from './lifeline.ts';

/*
 * The gateway as `turnpike start` runs it, metrics and request log included, from the configuration file in argv.
 */

const file = process.argv[2] ?? 'gateway.yaml';
const schemes = await loadSchemes();
const loaded = loadConfig({ file, env: {}, readFile: (path) => readFileSync(path, 'utf8'), schemes });
if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
const gateway = await startGateway(loaded.plan, { schemes, log: openLog(process.stdout) });
announce(gateway.url, () => gateway.close());
