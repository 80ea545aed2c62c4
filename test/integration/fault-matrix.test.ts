import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { cellsOf, FACILITATOR_FAULTS, type FacilitatorFault, nameOf } from '../support/faults/cells.ts';
import { type SoundFacilitator, soundFacilitator } from '../support/faults/faulty-facilitator.ts';
import { evmMoney } from '../support/faults/money.ts';
import { faultMatrixMarkdown } from '../support/faults/page.ts';
import { playScene } from '../support/faults/play.ts';
import { openScene } from '../support/faults/scene.ts';
import { type Story, storyOf } from '../support/faults/story.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';

/*
 * Every fault of a facilitator times every fault of the upstream times every settle mode, with real money on a real
 * chain: what the buyer gets, what the chain shows and what the ledger says have to agree. docs/fault-matrix.md is this
 * matrix as a page.
 */

let devnet: Devnet;
let official: OfficialFacilitator;
let sound: SoundFacilitator;

beforeAll(async () => {
  devnet = await startDevnet();
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
  sound = soundFacilitator(official.url);
});

afterAll(async () => {
  await official.close();
  await devnet.close();
});

const FAULTS = FACILITATOR_FAULTS.map((fault) => ({ fault, name: nameOf(fault) }));

describe('docs/fault-matrix.md', () => {
  it('is the matrix that is played here', () => {
    expect(readRepositoryFile('docs/fault-matrix.md')).toBe(faultMatrixMarkdown());
  });

  it('has no cell in which the money may have moved and the buyer is given an offer', () => {
    const told = FACILITATOR_FAULTS.flatMap(cellsOf).map((cell) => ({ cell, story: storyOf(cell) }));
    const wrong = told.filter(({ cell: { facilitator }, story }) => {
      const mayHaveMoved = facilitator.kind === 'doubt' && story.doubt !== undefined;
      const offers = [story.first, story.doubt?.answer, story.again].some((answer) => answer?.offer === true);
      return offers && (mayHaveMoved || story.rest.paid || story.end.state === 'unknown');
    });
    expect(wrong).toEqual([]);
  });
});

describe.concurrent('buyer, chain and ledger agree when the facilitator', () => {
  it.each(FAULTS)('$name', { timeout: 200_000 }, async ({ fault }) => {
    const { got, expected } = await play(fault);
    expect(got).toEqual(expected);
  });
});

/** The stories of one facilitator's cells by route, and what they should be. */
async function play(fault: FacilitatorFault): Promise<{ got: Record<string, Story>; expected: Record<string, Story> }> {
  const scene = await openScene(evmMoney(devnet), sound, fault);
  try {
    const stories = await playScene(scene);
    return {
      got: Object.fromEntries([...stories].map(([{ route }, story]) => [route, story])),
      expected: Object.fromEntries(scene.stages.map(({ route, cell }) => [route, storyOf(cell)])),
    };
  } finally {
    await scene.close();
  }
}
