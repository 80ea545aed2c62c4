import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { openSolanaWallet } from '../../../../src/cli/pay/solana-wallet.ts';
import type { Terminal } from '../../../../src/cli/terminal.ts';
import { toBase58 } from '../../../../src/svm/base58.ts';

const KEY = toBase58(Buffer.alloc(64, 7));

function terminal(env: Terminal['env']): Terminal {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  return { stdin, stdout, stderr, env, on: () => undefined, off: () => undefined };
}

it('says what to install where the official client is missing, and loads nothing where there is no key', async () => {
  let loads = 0;
  const load = async (): Promise<never> => {
    loads += 1;

    throw Object.assign(new Error("Cannot find package '@x402/svm'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  };
  expect(await openSolanaWallet(terminal({}), 'KEY', undefined, load)).toBeUndefined();
  expect(loads).toBe(0);
  await expect(openSolanaWallet(terminal({ KEY }), 'KEY', undefined, load)).rejects.toThrow(
    /npm install @x402\/svm @solana\/kit/,
  );
});
