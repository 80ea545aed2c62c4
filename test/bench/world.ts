import { startNginx } from '../support/nginx.ts';
import { PAYER } from './payment-signer.ts';
import { startSystem } from './system.ts';

/** What the upstream answers to every request. */
export const UPSTREAM_BODY = '{"city":"Oslo","temperature":4.5,"wind":{"speed":3.2,"from":"NW"},"station":"Blindern"}';

/** What the facilitator answers, by path. It states who paid: gateways of other makes keep sessions by that. */
export const FACILITATOR_ANSWERS = {
  '/supported': '{"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"}],"extensions":[],"signers":{}}',
  '/verify': `{"isValid":true,"payer":"${PAYER}"}`,
  '/settle': `{"success":true,"payer":"${PAYER}","transaction":"0x${'ab'.repeat(32)}","network":"eip155:84532"}`,
} as const;

/** What stands around the gateway: as cheap as the machine has it, so that the gateway is what is measured. */
export interface World {
  readonly upstreamUrl: string;
  readonly facilitatorUrl: string;
}

/** Ends something that was started. */
export type Stop = () => Promise<void>;

/**
 * Starts the world on nginx where it may be used, else on node:http. `onStarted` gets the end of each part.
 *
 * @param port where the upstream listens, and the facilitator one above it; without it free ports. Only nginx keeps to it.
 */
export async function startWorld(
  nginx: string | undefined,
  port: number | undefined,
  onStarted: (stop: Stop) => void,
): Promise<World> {
  if (nginx === undefined) {
    if (port !== undefined) throw new Error('--world-port needs nginx');
    const headers = ['Content-Type', 'application/json', 'Content-Length', String(UPSTREAM_BODY.length)];
    const upstream = await startSystem('fixed-answer', ['200', JSON.stringify(headers), UPSTREAM_BODY]);
    onStarted(() => upstream.stop());
    const facilitator = await startSystem('facilitator');
    onStarted(() => facilitator.stop());
    return { upstreamUrl: upstream.url, facilitatorUrl: facilitator.url };
  }
  const upstream = await startNginx(nginx, (at) => fixedServer(at, { '/': UPSTREAM_BODY }), port);
  onStarted(upstream.stop);
  const facilitator = await startNginx(nginx, (at) => fixedServer(at, FACILITATOR_ANSWERS), port && port + 1);
  onStarted(facilitator.stop);
  return { upstreamUrl: upstream.url, facilitatorUrl: facilitator.url };
}

function fixedServer(port: number, answers: Readonly<Record<string, string>>): string {
  const locations = Object.entries(answers).map(([path, body]) => `location ${path} { return 200 '${body}'; }`);
  return `server { listen 127.0.0.1:${port}; default_type application/json; ${locations.join(' ')} }`;
}
