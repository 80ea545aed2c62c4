import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/main.ts';

async function cli(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

/** What bash offers after these words, the last of which is being typed. */
function offered(script: string, ...typed: string[]): string[] {
  const words = ['turnpike', ...typed].map((word) => `'${word}'`).join(' ');
  const asked = `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _turnpike; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', asked], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe('turnpike completion', () => {
  it('completes commands, commands of commands and options in bash', async () => {
    const { code, out } = await cli('completion', 'bash');
    expect(code).toBe(0);
    expect(offered(out, 'che')).toEqual(['check']);
    expect(offered(out, 'ledger', 'su')).toEqual(['summary']);
    expect(offered(out, 'check', '--ag')).toEqual(['--against']);
    expect(offered(out, 'nothing', 'x')).toEqual(['']);
  });

  it.each(['zsh', 'fish'])('writes a script for %s that names every command', async (shell) => {
    const { code, out } = await cli('completion', shell);
    expect(code).toBe(0);
    for (const command of ['start', 'check', 'init', 'ledger', 'completion']) expect(out).toContain(`'${command}'`);
  });

  it('names the shells that it knows', async () => {
    expect(await cli('completion', 'tcsh')).toMatchObject({
      code: 2,
      err: expect.stringContaining('bash, zsh or fish'),
    });
  });
});

describe('turnpike help', () => {
  it('shows the help of a command', async () => {
    const { code, out } = await cli('help', 'check');
    expect(code).toBe(0);
    expect(out).toContain('turnpike check --against openapi.yaml');
  });
});
