import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What one function cost by itself, without what it called. */
interface Cost {
  readonly name: string;
  readonly share: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The functions that cost most in the profiles of a folder, as text, with shares of the time that was not idle. */
export async function renderTopCosts(folder: string, top = 40): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const parts = await Promise.all(
    files.map(async (file) => {
      const profile: Profile = JSON.parse(await readFile(join(folder, file), 'utf8'));
      const lines = topCosts(profile, top).map(
        ({ name, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${name}`,
      );
      return `${file}\n${lines.join('\n')}\n`;
    }),
  );
  return parts.join('\n');
}

function topCosts({ nodes, samples, timeDeltas }: Profile, top: number): Cost[] {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name.startsWith('(idle)') || name.startsWith('(program)')) continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .map(([name, time]) => ({ name, share: time / busy }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, top);
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const place = url.replace(/^file:\/\/.*?\/(?=(?:src|node_modules|test)\/)/, '');
  return place === '' ? name : `${name}  ${place}:${lineNumber + 1}`;
}
