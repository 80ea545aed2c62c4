import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-terminal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BIN = resolve('bin/turnpike.js');
/** `script` of util-linux gives a command a terminal; that of other systems has other options. */
const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

/** Types an answer behind each question of a command at a terminal. */
async function type(answers: readonly (readonly [question: string, answer: string])[]): Promise<{
  readonly code: number | null;
  readonly screen: string;
}> {
  const command = `${process.execPath} --conditions=development ${BIN} init -o gateway.yaml`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { cwd: folder });
  let screen = '';
  let read = 0;
  const left = [...answers];
  child.stdout.on('data', (chunk) => {
    screen += chunk;
    const [question, answer] = left[0] ?? [];
    const at = question === undefined ? -1 : screen.indexOf(question, read);
    if (question === undefined || answer === undefined || at === -1) return;
    read = at + question.length;
    left.shift();
    // The next question comes when this one is answered.
    child.stdin.write(answer);
  });
  const [code] = await once(child, 'exit');
  return { code, screen };
}

describe.skipIf(!hasTerminal)('turnpike init at a real terminal', () => {
  it('asks one question after another, says what is wrong with an answer, and writes a file that starts', async () => {
    const { code, screen } = await type([
      ['URL of the API [http://127.0.0.1:8080]: ', '\r'],
      ['Network that you are paid on [base-sepolia]: ', 'base\r'],
      ['Address of your wallet: ', 'nonsense\r'],
      ['Address of your wallet: ', '0x209693Bc6afc0C5328bA36FaF03C514EF312287C\r'],
      ['URL of the facilitator [https://facilitator.payai.network]: ', '\r'],
    ]);
    expect(screen).toContain('"nonsense" is not an EVM address');
    expect({ code, screen }).toMatchObject({ code: 0, screen: expect.stringContaining('wrote gateway.yaml: 1 route') });
    expect(readFileSync(join(folder, 'gateway.yaml'), 'utf8')).toContain('accepts: [base]');
    rmSync(join(folder, 'gateway.yaml'));
  });

  it('writes nothing when the person presses Ctrl-C or Ctrl-D', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { code } = await type([['URL of the API [http://127.0.0.1:8080]: ', key]]);
      expect(code).not.toBe(0);
      expect(existsSync(join(folder, 'gateway.yaml'))).toBe(false);
    }
  });
});
