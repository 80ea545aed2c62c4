import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryPath } from '../../support/docs/markdown.ts';
import type { Defence } from './defence.ts';
import { findCondition, readSources } from './find-condition.ts';

/** The result of a run of tests. */
export interface Verdict {
  readonly kind: 'passed' | 'failed' | 'unusable';
  /** For people: how many tests failed, or why the run shows nothing. */
  readonly detail: string;
}

/** What the tests need of a checkout. */
const COPIED = ['src', 'test', 'config', 'bin', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** A test that waits in vain fails after this, in milliseconds. */
const TEST_TIMEOUT_MS = 8000;
/** A run that hangs is ended after this, in milliseconds: it counts as failed. */
const RUN_TIMEOUT_MS = 40_000;

/** A copy of the checkout in which defences are taken out, one at a time. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'turnpike-defences-'));
  readonly #sources = readSources(repositoryPath('.'));

  constructor() {
    for (const name of COPIED) cpSync(repositoryPath(name), join(this.#folder, name), { recursive: true });
    symlinkSync(repositoryPath('node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Runs the tests of an attack as they are. */
  async passes(attack: string): Promise<Verdict> {
    return await this.#run(attack, []);
  }

  /** Runs the tests of a defence without it, and puts it back. */
  async takeOut({ attack, tests, holder, condition, instead }: Defence): Promise<Verdict> {
    const place = findCondition(this.#sources, holder, condition);
    if ('problem' in place) return { kind: 'unusable', detail: place.problem };
    const file = join(this.#folder, place.file);
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.slice(0, place.start) + instead + whole.slice(place.end));
    try {
      return await this.#run(attack, ['--bail=1', '-t', tests]);
    } finally {
      writeFileSync(file, whole);
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(attack: string, options: readonly string[]): Promise<Verdict> {
    const report = join(this.#folder, 'report.json');
    rmSync(report, { force: true });
    const vitest = join(this.#folder, 'node_modules/vitest/vitest.mjs');
    const reporting = ['--reporter=json', `--outputFile=${report}`, `--testTimeout=${TEST_TIMEOUT_MS}`];
    const child = spawn(
      process.execPath,
      [vitest, 'run', testFileOf(attack), ...reporting, ...options],
      // A process group of its own: everything that the tests started ends with them.
      { cwd: this.#folder, stdio: 'ignore', detached: true },
    );
    const timer = setTimeout(() => endGroup(child.pid), RUN_TIMEOUT_MS);
    const [code] = await once(child, 'exit');
    clearTimeout(timer);
    endGroup(child.pid);
    if (code === null) return { kind: 'failed', detail: 'hangs' };
    return verdictOf(report, code === 0);
  }
}

/** Ends a process and its children. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** A file that does not load shows nothing: tests must have run. An error outside of the tests fails the run. */
function verdictOf(report: string, succeeded: boolean): Verdict {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(report, 'utf8'));
  if (failed > 0) return { kind: 'failed', detail: `${failed} failed` };
  if (!(passed > 0)) return { kind: 'unusable', detail: 'no test ran' };
  if (succeeded) return { kind: 'passed', detail: `${passed} passed` };
  return { kind: 'failed', detail: 'an error outside of the tests' };
}

/** Tests outside of `test/security` are named with their folder. */
function testFileOf(attack: string): string {
  return attack.includes('/') ? `test/${attack}.test.ts` : `test/security/${attack}.test.ts`;
}
