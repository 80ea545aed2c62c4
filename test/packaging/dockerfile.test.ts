import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { describe, expect, it, onTestFinished } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readRepositoryFile, repositoryPath } from '../support/docs/markdown.ts';

const run = promisify(execFile);
const text = readRepositoryFile('Dockerfile');
/** Instructions without comments, continued lines in one. */
const lines = text
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\s*\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '');
/** What the last stage is made of. */
const image = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

/** The arguments of an instruction that the image has once. */
function only(instruction: string): string {
  const [found, ...more] = image.filter((line) => line.startsWith(`${instruction} `));
  if (found === undefined || more.length > 0) throw new Error(`not one ${instruction}`);
  return found.slice(instruction.length + 1);
}

/** An instruction in exec form: no shell stands between it and the signals. */
function execForm(argument: string): string[] {
  return JSON.parse(argument);
}

describe('the Dockerfile', () => {
  it('has nothing that a linter finds', () => {
    expect(validate(text)).toEqual([]);
    expect(validate('FROM node\nENTRYPOIN ["node"]')).not.toEqual([]);
  });

  it('runs the Node that the tests run on, pinned by its version, in every stage', () => {
    const [, tag] = /^ARG NODE_IMAGE=node:(\S+)$/m.exec(text) ?? [];
    expect(tag).toBe(`${manifest.devDependencies.node}-bookworm-slim`);
    const stages = lines.filter((line) => line.startsWith('FROM '));
    expect(stages.length).toBeGreaterThan(1);
    expect(stages.filter((line) => !line.startsWith(`FROM \${NODE_IMAGE}`))).toEqual([]);
  });

  it('copies only files that exist and are sent to the builder', () => {
    const sources = lines.flatMap((line) => {
      const [, flag, paths = ''] = /^COPY (--from=\S+ )?(.*) \S+$/.exec(line) ?? [];
      return flag === undefined && paths !== '' ? paths.split(' ') : [];
    });
    const sent: readonly string[] = readRepositoryFile('.dockerignore').match(/(?<=^!).+$/gm) ?? [];
    expect(sources.length).toBeGreaterThan(4);
    expect(sources.filter((path) => !existsSync(repositoryPath(path)) || !sent.includes(path))).toEqual([]);
    expect(sent.filter((path) => !sources.includes(path))).toEqual([]);
  });

  it('installs without development tools and the local chain', () => {
    expect(lines.filter((line) => line.includes('npm ci')).filter((line) => line.includes('--omit=dev'))).toHaveLength(
      1,
    );
    expect(image.find((line) => line.includes('node_modules'))).toMatch(/^COPY --from=production /);
    expect(lines.join('\n')).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
  });

  it('runs as a user by number, in a folder of its own, and stops on SIGTERM', () => {
    const [, uid, gid] = /^(\d+):(\d+)$/.exec(only('USER')) ?? [];
    expect(Number(uid)).toBeGreaterThan(0);
    const folder = only('WORKDIR');
    expect(execForm(only('VOLUME'))).toEqual([folder]);
    expect(only('RUN')).toBe(
      `ln -s /opt/turnpike/${manifest.bin.turnpike} /usr/local/bin/turnpike && install -d -o ${uid} -g ${gid} -m 0700 ${folder}`,
    );
    expect(only('STOPSIGNAL')).toBe('SIGTERM');
  });

  it('starts the command of the package without a shell', () => {
    expect(execForm(only('ENTRYPOINT'))).toEqual(['node', `/opt/turnpike/${manifest.bin.turnpike}`]);
    expect(execForm(only('CMD'))).toEqual(['start', '-c', '/etc/turnpike/gateway.yaml']);
  });

  it('carries the version of the package', () => {
    expect(image).toContain(`ARG VERSION=${manifest.version}`);
    expect(only('LABEL')).toContain(`org.opencontainers.image.licenses="${manifest.license}"`);
  });

  it('has a health check that tells a live gateway from a dead one', async () => {
    let status = 200;
    const admin = createServer((req, res) => res.writeHead(req.url === '/livez' ? status : 404).end());
    onTestFinished(() => void admin.close());
    await once(admin.listen(0, '127.0.0.1'), 'listening');
    const address = admin.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const [, ...argv] = execForm(/ CMD (\[.*\])$/.exec(only('HEALTHCHECK'))?.[1] ?? '');
    const check = argv.map((argument) => argument.replace('127.0.0.1:9402', `127.0.0.1:${port}`));
    expect(check).not.toEqual(argv);
    await run(process.execPath, check);
    status = 503;
    await expect(run(process.execPath, check)).rejects.toMatchObject({ code: 1 });
    admin.closeAllConnections();
    admin.close();
    await expect(run(process.execPath, check)).rejects.toMatchObject({ code: 1 });
  });
});
