import type { Plan } from '../../domain/plan.ts';

/** What catalogues said of paid calls, by route, as far as a running gateway counted it. */
export type Verdicts = ReadonlyMap<string, 'rejected' | 'processing'>;

const PATIENCE_MS = 2000;
const SERIES = /^turnpike_bazaar_listings_total\{route="((?:[^"\\]|\\.)*)",status="(\w+)"\} (\d+)$/gm;

/** Reads the counters of the gateway that runs with this configuration; nothing where none can be asked. */
export async function readVerdicts({ admin }: Plan): Promise<Verdicts> {
  const verdicts = new Map<string, 'rejected' | 'processing'>();
  if (admin === undefined || admin.kind === 'unix') return verdicts;
  const host = admin.host === '0.0.0.0' || admin.host === '::' ? '127.0.0.1' : admin.host;
  try {
    const address = `http://${host.includes(':') ? `[${host}]` : host}:${admin.port}/metrics`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
    for (const [, route = '', status, count] of (await answer.text()).matchAll(SERIES)) {
      const name = route.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
      if (count === '0' || (status !== 'rejected' && status !== 'processing')) continue;
      // A rejection is what has to be looked at.
      if (verdicts.get(name) !== 'rejected') verdicts.set(name, status);
    }
  } catch {
    // No gateway runs here: its counters would only have added detail.
  }
  return verdicts;
}
