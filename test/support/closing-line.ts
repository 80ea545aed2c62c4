import type { Reporter, SerializedError, TestModule, TestRunEndReason, Vitest } from 'vitest/node';

/** What a run came to. */
export interface RunCount {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Prints one plain line after everything else: `N passed, N failed`, with `, N skipped` when something was skipped.
 *
 * Scripts read this line, so that it must not say `0 failed` for a run that failed: a file that does not load, a hook
 * that throws and an error outside every test count as failures, though no test of theirs has failed.
 */
export default class ClosingLine implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const count = countRun(modules, errors);
    // A run that found no test at all, or that somebody interrupted, did not pass.
    if (reason !== 'passed' && count.failed === 0) count.failed = 1;
    this.#vitest?.logger.log(closingLine(count));
  }
}

/** Counts tests, and as failures also what broke outside of them. */
export function countRun(modules: readonly TestModule[], errors: readonly SerializedError[]): RunCount {
  const count: RunCount = { passed: 0, failed: errors.length, skipped: 0 };
  for (const module of modules) {
    let failedTests = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') count.passed += 1;
      else if (state === 'skipped') count.skipped += 1;
      // A test that is still pending when the run ends never said that it passed.
      else failedTests += 1;
    }
    count.failed += failedTests === 0 && module.state() === 'failed' ? 1 : failedTests;
  }
  return count;
}

/** The line's text. */
export function closingLine({ passed, failed, skipped }: RunCount): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
