import { expect, it } from 'vitest';
import { runSiege } from '../fuzz/siege.ts';

/*
 * The siege of `npm run siege`, shortened: fewer WebSockets, and less time for honest clients.
 */

const TERMS = { downloads: 3, uploads: 200, webSockets: 100, heads: 50, honestMs: 1500 } as const;
const LONGEST_RUN_MS = 120_000;

it.skipIf(process.platform !== 'linux')(
  'serves honest clients, within bounded memory, while others stand around at every stage of a request',
  async () => {
    const { violations, peakRssBytes, besieged, idle, meanwhile } = await runSiege(TERMS);
    expect(violations.kept).toEqual([]);
    expect(peakRssBytes).toBeGreaterThan(0);
    expect(meanwhile.length).toBeGreaterThan(0);
    // They were there: each has a connection, and all but the heads one to the API.
    const { downloads, uploads, webSockets, heads } = TERMS;
    const standing = 2 * (downloads + uploads + webSockets) + heads;
    expect(besieged.descriptors - idle.descriptors).toBeGreaterThan(0.9 * standing);
  },
  LONGEST_RUN_MS,
);
