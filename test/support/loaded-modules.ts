// Serves one request under a configuration, and prints which packages of OpenTelemetry were loaded for it.
import { registerHooks } from 'node:module';

const [, , upstreamUrl = '', lines = ''] = process.argv;
const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/(@opentelemetry\/[^/]+)\//.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});
const { startTestGateway } = await import('./gateway.ts');
const routes = 'routes: [{ path: /*, price: free }]';
const gateway = await startTestGateway(`upstream: ${upstreamUrl}\nstore: memory\n${lines}\n${routes}\n`);
await (await fetch(gateway.url)).arrayBuffer();
await gateway.close();
process.stdout.write(JSON.stringify([...loaded]));
