import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNginx, type Nginx, startNginx } from '../support/nginx.ts';
import { compare } from './compare.ts';
import { converse, type RawRequest } from './conversation.ts';
import { LARGE } from './encounter.ts';
import type { Message } from './message.ts';
import { openScene, type Scene } from './scene.ts';

/** A web server as Debian ships it, asked directly and through the gateway. */

const executable = findNginx();
const why = executable === undefined ? ' (skipped: there is no nginx on this machine)' : '';

let folder: string;
let nginx: Nginx;
let scene: Scene;

const GZIPPED = 'Accept-Encoding: gzip';
const UNCHANGED = 'If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT';
const CHANGED = 'If-Modified-Since: Wed, 21 Oct 2009 07:28:00 GMT';

const REQUESTS: readonly (readonly [line: string, ...headers: string[]])[] = [
  ['GET page.html'],
  ['GET page.html', GZIPPED],
  ['GET page.html', 'Accept-Encoding: br, zstd'],
  ['GET page.html', 'Connection: close', GZIPPED],
  ['HEAD page.html'],
  ['HEAD page.html', GZIPPED],
  ['GET page.html', 'Range: bytes=0-9'],
  ['GET page.html', 'Range: bytes=-10'],
  ['GET page.html', 'Range: bytes=5-'],
  ['HEAD page.html', 'Range: bytes=0-9'],
  ['GET page.html', 'Range: bytes=999999-'],
  ['GET page.html', 'Range: bytes=0-9', UNCHANGED],
  ['GET page.html', 'Range: bytes=0-9', 'If-Range: "no such tag"'],
  ['GET page.html', UNCHANGED],
  ['GET page.html', CHANGED],
  ['HEAD page.html', UNCHANGED],
  ['GET page.html', 'If-None-Match: *'],
  ['GET page.html', 'If-Match: "no such tag"'],
  ['GET page.html', 'If-Unmodified-Since: Wed, 21 Oct 2009 07:28:00 GMT'],
  ['GET empty'],
  ['HEAD empty'],
  ['GET large.bin'],
  ['GET large.bin', 'Range: bytes=65000-102000'],
  ['HEAD large.bin'],
  ['GET listed/'],
  ['GET listed'],
  ['GET listed/a%20b.txt'],
  ['GET missing'],
  ['HEAD missing'],
  ['GET moved?with=query'],
  ['GET gone'],
  ['GET nothing'],
  ['GET told', 'X-Odd: \xe4', 'Authorization: Basic eA=='],
  ['POST page.html', 'Content-Length: 5'],
  ['DELETE page.html'],
  ['OPTIONS page.html'],
  ['PROPFIND page.html'],
  ['GET page.html', `X-Long: ${'l'.repeat(7000)}`],
];

beforeAll(async () => {
  if (executable === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'turnpike-site-'));
  for (const route of ['free', 'after']) await writeSite(join(folder, route));
  nginx = await startNginx(executable, (port) => serverOf(port, folder));
  scene = await openScene(nginx.url);
});
afterAll(async () => {
  if (executable === undefined) return;
  await scene.close();
  await nginx.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(executable === undefined)(`nginx behind the gateway${why}`, () => {
  it.each(REQUESTS)('answers as it does directly, free: %s %s %s', async (line, ...headers) => {
    await expectTheSame('free', line, headers);
  });

  it.each(REQUESTS)('answers as it does directly, paid: %s %s %s', async (line, ...headers) => {
    await expectTheSame('after', line, headers);
  });
});

async function expectTheSame(route: 'free' | 'after', line: string, headers: readonly string[]): Promise<void> {
  const [method = '', path = ''] = line.split(' ');
  const payment = route === 'after' ? await scene.pay('/after/page.html') : undefined;
  const { host, port } = new URL(nginx.url);
  const paying = payment === undefined ? [] : [payment.header];
  const lines = [`${method} /${route}/${path} HTTP/1.1`, `Host: ${host}`, ...headers, ...paying];
  const body = headers.some((header) => header.startsWith('Content-Length')) ? 'hello' : '';
  const request: RawRequest = { method, head: `${lines.join('\r\n')}\r\n\r\n`, body };
  const direct = withoutClock((await converse(Number(port), request, false)).response);
  const actual = withoutClock((await converse(scene.port, request, false)).response);
  const status = Number(actual.startLine.split(' ')[1]);
  const charged = payment !== undefined && status >= 200 && status < 300;
  const paid = payment?.facts;
  const compared = compare('answer', direct, {
    actual,
    method,
    minorVersion: 1,
    host,
    upstreamAuthority: host,
    paid,
    charged,
    fromPage: false,
  });
  expect(compared.actual).toBe(compared.expected);
}

/** The two answers may be a second apart. */
function withoutClock(message: Message): Message {
  const headers = message.headers.map(([name, value]): [string, string] => [name, name === 'Date' ? ' now' : value]);
  return { ...message, headers };
}

async function writeSite(root: string): Promise<void> {
  await mkdir(join(root, 'listed'), { recursive: true });
  const then = new Date('2015-10-21T07:28:00Z');
  const files = {
    'page.html': `<p>${'the same again '.repeat(100)}`,
    empty: '',
    'listed/a b.txt': 'a',
    'large.bin': LARGE,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(root, name), content, 'latin1');
    await utimes(join(root, name), then, then);
  }
  await utimes(join(root, 'listed'), then, then);
}

function serverOf(port: number, root: string): string {
  const places = ['free', 'after'].map(
    (route) => `location /${route}/listed { autoindex on; }
      location = /${route}/moved { return 301 /elsewhere$is_args$args; }
      location = /${route}/gone { return 410 "gone\\n"; }
      location = /${route}/nothing { return 204; }
      location = /${route}/told { add_header X-A "1"; add_header X-A "2" always; return 200 "$http_x_odd|$http_authorization"; }`,
  );
  return `types { text/html html; } default_type application/octet-stream; large_client_header_buffers 8 32k;
    server { listen 127.0.0.1:${port}; root ${root}; gzip on; gzip_min_length 20; gzip_proxied any; log_not_found off; absolute_redirect off;
      ${places.join('\n')} }`;
}
