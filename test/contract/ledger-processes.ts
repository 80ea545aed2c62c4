import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PassId } from '../../src/domain/pass.ts';
import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import type { ClaimOutcome } from '../../src/store/ledger.ts';
import type { Work } from './ledger-process.ts';

/** Another process that has a ledger open. */
export interface LedgerProcess {
  /** Claims all of these at once. */
  claim(claims: readonly PaymentClaim[]): Promise<readonly ClaimOutcome[]>;
  /** Makes this many calls with a pass, all at once, and returns how many were served. */
  call(pass: PassId, times: number): Promise<number>;
  /** Kills it with `kill -9`: it cannot clean up. */
  kill(): Promise<void>;
}

/** Starts a process with the ledger of a file or of a URL open. */
export async function startLedgerProcess(kind: 'sqlite' | 'postgres', place: string): Promise<LedgerProcess> {
  const script = fileURLToPath(new URL('./ledger-process.ts', import.meta.url));
  // `advanced`, since amounts are bigints.
  const child = fork(script, [kind, place], { serialization: 'advanced', execArgv: [], stdio: 'inherit' });
  await answerOf(child);
  const perform = (work: Work): Promise<unknown> => {
    const answer = answerOf(child);
    child.send(work);
    return answer;
  };
  return {
    claim: async (claims) => (await perform({ kind: 'claim', claims })) as readonly ClaimOutcome[],
    call: async (pass, times) => (await perform({ kind: 'call', pass, times })) as number,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('the process has ended')));
  });
}
