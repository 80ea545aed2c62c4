import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw, exchangeRaw } from '../support/raw-http.ts';
import { answer, HOST } from './encounter.ts';
import { takeResponse } from './message.ts';
import { openRecordingUpstream, type RecordingUpstream } from './recording-upstream.ts';
import { openScene, type Scene } from './scene.ts';

/** What `docs/http.md` says is refused or decided, where no suite of attacks says so in bytes already. */

let upstream: RecordingUpstream;
let scene: Scene;

beforeAll(async () => {
  upstream = await openRecordingUpstream();
  scene = await openScene(`http://127.0.0.1:${upstream.port}`);
});
afterAll(async () => {
  await scene.close();
  await upstream.close();
});

const LAST = `Host: ${HOST}\r\nConnection: close\r\n`;

describe('a request that is refused', () => {
  it.each([
    [400, 'request_target_invalid', 'OPTIONS *', `OPTIONS * HTTP/1.1\r\n${LAST}\r\n`],
    [400, 'request_target_invalid', 'the URL of another host', `GET http://other.test/free/x HTTP/1.1\r\n${LAST}\r\n`],
    [405, 'method_not_allowed', 'CONNECT', `CONNECT other.test:443 HTTP/1.1\r\n${LAST}\r\n`],
    [405, 'method_not_allowed', 'TRACE', `TRACE /free/x HTTP/1.1\r\n${LAST}\r\n`],
    [400, 'host_invalid', 'no Host in HTTP/1.0', 'GET /free/x HTTP/1.0\r\n\r\n'],
    [400, 'host_invalid', 'Host twice', `GET /free/x HTTP/1.1\r\n${LAST}Host: ${HOST}\r\n\r\n`],
    [
      400,
      'request_malformed',
      'two equal lengths',
      `POST /free/x HTTP/1.1\r\n${LAST}${'Content-Length: 2\r\n'.repeat(2)}\r\nhi`,
    ],
    [400, 'request_malformed', 'HTTP/2.0 by name', `GET /free/x HTTP/2.0\r\n${LAST}\r\n`],
    [417, 'expectation_failed', 'another expectation', `GET /free/x HTTP/1.1\r\n${LAST}Expect: 200-ok\r\n\r\n`],
    [
      400,
      'payment_header_repeated',
      'two payments',
      `GET /after/x HTTP/1.1\r\n${LAST}PAYMENT-SIGNATURE: a\r\nX-PAYMENT: b\r\n\r\n`,
    ],
  ])('with %i %s does not reach the API: %s', async (status, code, _name, bytes) => {
    const before = upstream.seen.length;
    const { statusLine, body } = await exchangeRaw(scene.port, bytes);
    expect(statusLine.split(' ')[1]).toBe(String(status));
    expect(body.toString()).toContain(`"code":"${code}"`);
    expect(upstream.seen.length).toBe(before);
  });
});

describe('the gateway', () => {
  it('answers pipelined requests in their order, each with its own answer', async () => {
    upstream.script(answer('200 OK', ['Content-Length: 4'], 'next'));
    const peer = await connectRaw(scene.port);
    const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
    peer.send(ask('/free/x') + ask('/probe') + ask('/after/x') + ask('/free/y'));
    const answers: string[] = [];
    for (let index = 0; index < 4; index++) {
      const { startLine, content } = await takeResponse(peer, 'GET');
      answers.push(startLine.includes(' 402 ') ? '402' : content);
    }
    peer.socket.destroy();
    expect(answers).toEqual(['next', 'in step', '402', 'next']);
  });

  it('passes over a 100 that it did not ask for', async () => {
    const { bytes } = answer('200 OK', ['Content-Length: 2'], 'ok');
    upstream.script({ bytes: `HTTP/1.1 100 Continue\r\n\r\n${bytes}`, closes: false });
    const received = await exchangeRaw(scene.port, `GET /free/x HTTP/1.1\r\n${LAST}\r\n`);
    expect([received.statusLine, received.body.toString()]).toEqual(['HTTP/1.1 200 OK', 'ok']);
  });

  it('forbids caches to keep a 402, as every answer of its own', async () => {
    const { headers } = await exchangeRaw(scene.port, `GET /after/x HTTP/1.1\r\n${LAST}\r\n`);
    expect(headers).toContainEqual(['Cache-Control', 'no-store']);
  });

  it('asks no client for a body before the payment', async () => {
    const peer = await connectRaw(scene.port);
    peer.send(`PUT /after/x HTTP/1.1\r\n${LAST}Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n`);
    const received = (await peer.ended).toString('latin1');
    expect(received).toMatch(/^HTTP\/1\.1 402 /);
    expect(received).not.toContain('100 Continue');
  });
});
