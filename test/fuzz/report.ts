import type { FuzzResult } from './fuzz.ts';

const MEBIBYTE = 1024 * 1024;

/** The result of a run, for people. */
export function reportOf(result: FuzzResult): string {
  const { violations, failing, cases, statuses, honest, calls, facilitator, warm, end } = result;
  const sorted = honest.latencies.toSorted((a, b) => a - b);
  const at = (share: number): string => `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`;
  return [
    `cases: ${listOf(cases)}; first answers: ${listOf(statuses)}`,
    `honest requests: ${listOf(honest.counts)}; median ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)}`,
    `calls of the API: ${listOf(calls)}; of the facilitator: ${listOf(facilitator)}`,
    `heap ${mebibytes(warm.heapBytes)} warm, ${mebibytes(end.heapBytes)} at the end; resident ${mebibytes(warm.rssBytes)}, ${mebibytes(end.rssBytes)}; descriptors ${warm.descriptors}, ${end.descriptors}`,
    `violations: ${violations.counts.size === 0 ? 'none' : listOf(Object.fromEntries(violations.counts))}`,
    ...violations.kept.map(({ kind, detail, caseId }) => `\n${kind} (${caseId ?? 'no case known'})\n${detail}`),
    ...failing.map(
      ({ kind, bytes }) =>
        `\nas few bytes as were found for: ${kind}\n${JSON.stringify(bytes.toString('latin1').slice(0, 4000))}`,
    ),
  ].join('\n');
}

function listOf(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
