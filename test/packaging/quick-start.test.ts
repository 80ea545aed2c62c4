import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { challengeOf } from '../support/buyer.ts';
import { readRepositoryFile, repositoryPath } from '../support/docs/markdown.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { refusingUrl } from '../support/scripted-facilitator.ts';
import { startUpstream } from '../support/upstream.ts';

const run = promisify(execFile);
const readme = readRepositoryFile('README.md');
const chapter = /## From an API to a priced API[\s\S]*?(?=\n## )/.exec(readme)?.[0] ?? '';
const table = /```yaml\n([\s\S]*?)```/.exec(chapter)?.[1] ?? '';
const commands = chapter.match(/(?<=^ {4}npm run -s turnpike -- ).*$/gm) ?? [];
const folder = mkdtempSync(join(tmpdir(), 'turnpike-quick-start-'));

afterAll(() => rmSync(folder, { recursive: true }));

describe('the quick start of the README', () => {
  it('is a price table of less than ten lines', () => {
    const lines = table.trim().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThan(10);
  });

  it('has a check and an explanation that say what they promise', async () => {
    writeFileSync(join(folder, 'gateway.yaml'), table);
    const [check = '', explain = '', start = ''] = commands;
    expect(start).toBe('start -c gateway.yaml');
    const turnpike = async (line: string): Promise<string> => {
      const argv = ['--conditions=development', repositoryPath('bin/turnpike.js'), ...line.split(' ')];
      return (await run(process.execPath, argv, { cwd: folder })).stdout;
    };
    expect(await turnpike(check)).toContain('gateway.yaml: fine, 1 route, 1 priced');
    expect(await turnpike(explain)).toMatch(/\$?0\.001/);
  });

  it('ends in a 402 with the price, whether the facilitator can be reached or not', async () => {
    const upstream = await startUpstream();
    onTestFinished(() => upstream.close());
    const here = table
      .replace('http://127.0.0.1:8080', upstream.url)
      .replace('127.0.0.1:8402', '127.0.0.1:0\nadmin: 127.0.0.1:0')
      .replace(/https:\/\/www\.x402\.org\S+/, await refusingUrl());
    const gateway = startGatewayProcess(folder, here);
    onTestFinished(async () => {
      gateway.kill('SIGTERM');
      await gateway.ended;
    });
    const response = await fetch(`${(await gateway.ready).url}/hello`);
    expect(response.status).toBe(402);
    expect(challengeOf(response).accepts).toMatchObject([{ network: 'eip155:84532', amount: '1000' }]);
    expect(upstream.seen).toEqual([]);
  });

  it('points at files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => link);
    const missing = links.filter((link) => !link.startsWith('https://') && !existsSync(repositoryPath(link)));
    expect(missing).toEqual([]);
  });
});
