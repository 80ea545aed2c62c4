import { runSiege, type SiegeResult } from './siege.ts';

/*
 * The full test with stalled clients: stalled downloads, uploads and heads, and idle WebSockets, with honest clients
 * beside them. Exit code 1 when there is a violation.
 */

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const FULL = { downloads: 10, uploads: 200, webSockets: 1000, heads: 200, honestMs: 8_000 };

print(JSON.stringify(FULL));
const result = await runSiege(FULL);
print(reportOf(result));
process.exitCode = result.violations.counts.size === 0 ? 0 : 1;

function reportOf({
  violations,
  idle,
  besieged,
  afterwards,
  peakRssBytes,
  boundBytes,
  alone,
  meanwhile,
}: SiegeResult): string {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const at = (sorted: readonly number[], share: number): string =>
    `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`;
  const times = (sorted: readonly number[]): string =>
    `${sorted.length} (median ${at(sorted, 0.5)}, 99 % ${at(sorted, 0.99)})`;
  return [
    `resident: ${mebibytes(idle.rssBytes)} idle, ${mebibytes(peakRssBytes)} at most, ${mebibytes(boundBytes)} allowed`,
    `heap: ${mebibytes(idle.heapBytes)} idle, ${mebibytes(besieged.heapBytes)} besieged, ${mebibytes(afterwards.heapBytes)} afterwards`,
    `descriptors: ${idle.descriptors} idle, ${besieged.descriptors} besieged, ${afterwards.descriptors} afterwards`,
    `honest requests: ${times(alone)} alone, ${times(meanwhile)} meanwhile`,
    `violations: ${violations.kept.length === 0 ? 'none' : violations.kept.map(({ kind, detail }) => `${kind}: ${detail}`).join('\n')}`,
  ].join('\n');
}
