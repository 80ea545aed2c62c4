import { generateKeyPairSigner } from '@solana/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOf, SOLANA_FAULTS } from '../support/faults/cells.ts';
import { type SoundFacilitator, soundFacilitator } from '../support/faults/faulty-facilitator.ts';
import { svmMoney } from '../support/faults/money.ts';
import { playScene } from '../support/faults/play.ts';
import { openScene } from '../support/faults/scene.ts';
import { storyOf } from '../support/faults/story.ts';
import { type SvmChain, startSvmChain } from '../support/svm/local-chain.ts';
import { type OfficialSvmFacilitator, startOfficialSvm } from '../support/svm/official-facilitator.ts';

/*
 * The faults of docs/fault-matrix.md that a chain has a say in, on Solana: the official facilitator code settles, and a
 * node says what became of the money.
 */

let chain: SvmChain;
let official: OfficialSvmFacilitator;
let sound: SoundFacilitator;

beforeAll(async () => {
  const [started, settler] = await Promise.all([startSvmChain(), generateKeyPairSigner()]);
  chain = started;
  chain.fund(settler.address, 0n);
  official = await startOfficialSvm(chain.rpcUrl, settler);
  sound = soundFacilitator(official.url);
});

afterAll(async () => {
  await official?.close();
  await chain?.close();
});

const FAULTS = SOLANA_FAULTS.map((fault) => ({ fault, name: nameOf(fault) }));

describe.concurrent('buyer, Solana and ledger agree when the facilitator', () => {
  it.each(FAULTS)('$name', { timeout: 200_000 }, async ({ fault }) => {
    const scene = await openScene(svmMoney(chain), sound, fault);
    try {
      const stories = await playScene(scene);
      const got = Object.fromEntries([...stories].map(([{ route }, story]) => [route, story]));
      expect(got).toEqual(Object.fromEntries(scene.stages.map(({ route, cell }) => [route, storyOf(cell)])));
    } finally {
      await scene.close();
    }
  });
});
