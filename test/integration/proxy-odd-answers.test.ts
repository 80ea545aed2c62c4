import { afterEach, describe, expect, it } from 'vitest';
import { type BareGateway, openBareGateway } from '../support/bare-gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, type RawPeer } from '../support/raw-http.ts';

/** Answers of APIs as HTTP allows them, and as few of them write them. */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Scene {
  readonly gateway: BareGateway;
  readonly upstream: TestUpstream;
}

/** An API that answers `/x` with these bytes, in pieces, and everything else with `after`. */
async function answering(...pieces: readonly string[]): Promise<Scene> {
  const upstream = await openOddUpstream((peer) => {
    peer.socket.on('end', () => peer.socket.end());
    peer.socket.on('data', (data: Buffer) => {
      const [, path] = /^(?:GET|HEAD|POST) (\S+) /.exec(data.toString('latin1')) ?? [];
      if (path === '/x') void inPieces(peer, pieces);
      else if (path !== undefined) peer.send(AFTER);
    });
  });
  const gateway = await openBareGateway(upstream.upstream);
  open.push(upstream, gateway);
  return { gateway, upstream };
}

/** Sends pieces that arrive one by one. */
async function inPieces(peer: RawPeer, pieces: readonly string[]): Promise<void> {
  peer.socket.setNoDelay(true);
  for (const piece of pieces) {
    peer.send(piece);
    await new Promise((resolve) => setTimeout(resolve, pieces.length > 1 ? 20 : 0));
  }
}

const AFTER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n';

/** Asks for `/x` by this method and for another resource on the same connection; everything that came. */
async function askTwice({ gateway }: Scene, method = 'GET'): Promise<string> {
  const peer = await connectRaw(gateway.port);
  const body = method === 'POST' ? 'Content-Length: 3\r\n\r\nabc' : '\r\n';
  peer.send(`${method} /x HTTP/1.1\r\nHost: gw\r\n${body}`);
  await gateway.next();
  peer.send('POST /y HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nContent-Length: 1\r\n\r\n!');
  const received = (await peer.ended).toString('latin1');
  return received.replaceAll(/(?:connection|keep-alive|date): .*\r\n/gi, '');
}

describe('an unasked 100 of an API', () => {
  it.each([
    ['before the answer', `HTTP/1.1 100 Continue\r\n\r\n${OK}`],
    ['with fields', `HTTP/1.1 100 Continue\r\nX: 1\r\nContent-Length: 5\r\n\r\n${OK}`],
    ['again and again', `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50)}${OK}`],
    ['before an upgrade that did not take place', `HTTP/1.1 100 Continue\r\nConnection: keep-alive\r\n\r\n${OK}`],
  ])('is dropped %s', async (_how, bytes) => {
    for (const method of ['GET', 'POST']) {
      expect(await askTwice(await answering(bytes), method)).toBe(OK + AFTER);
    }
  });

  it('is dropped among interim answers that are passed on', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const scene = await answering(`${hint}HTTP/1.1 100 Continue\r\n\r\n${hint}${OK}`);
    expect(await askTwice(scene)).toBe(hint + hint + OK + AFTER);
    expect(scene.upstream.connections()).toBe(1);
  });

  it('is no answer: one alone is waited for', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    });
    const gateway = await openBareGateway(upstream.upstream, { timeoutMs: 300 });
    open.push(upstream, gateway);
    const answer = await exchangeRaw(gateway.port, 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    expect(answer.statusLine).toContain(' 504 ');
  });
});

describe('the reason phrase of an API', () => {
  it.each([
    ['in two pieces', ['HTTP/1.1 404 Not F', 'ound\r\nContent-Length: 2\r\n\r\nno'], 'Not Found'],
    ['byte by byte', [...'HTTP/1.1 404 Not Here\r\nContent-Length: 2\r\n\r\nno'], 'Not Here'],
    [
      'cut in a character',
      ['HTTP/1.1 404 Gr\xc3', '\xbc\xc3\x9fe\r\nContent-Length: 2\r\n\r\nno'],
      'Gr\xc3\xbc\xc3\x9fe',
    ],
    ['in latin1', ['HTTP/1.1 404 Gr\xfc\xdfe\r\nContent-Length: 2\r\n\r\nno'], 'Gr\xfc\xdfe'],
  ])('arrives whole (%s)', async (_how, pieces, reason) => {
    expect(await askTwice(await answering(...pieces))).toBe(
      `HTTP/1.1 404 ${reason}\r\nContent-Length: 2\r\n\r\nno${AFTER}`,
    );
  });

  it('is not that of the interim answer before it', async () => {
    const scene = await answering('HTTP/1.1 103 Ea', 'rly\r\n\r\nHTTP/1.1 200 Fi', 'ne\r\nContent-Length: 2\r\n\r\nok');
    expect(await askTwice(scene)).toContain('HTTP/1.1 200 Fine\r\n');
  });

  it('is bounded like the rest of the head', async () => {
    const scene = await answering(`HTTP/1.1 200 ${'x'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`);
    expect(await askTwice(scene)).toContain('HTTP/1.1 502 ');
  });
});

describe('a trailer that only a head may carry', () => {
  it.each([
    ['Content-Length: 3', 'a wrong length'],
    ['Content-Length: 2', 'the right length'],
    ['Connection: close', 'an end of the connection'],
    ['Connection: keep-alive', 'a connection that goes on'],
    ['Transfer-Encoding: chunked', 'a coding'],
    ['Keep-Alive: timeout=1', 'a time'],
  ])('is left out, and those around it are not (%s)', async (field) => {
    for (const method of ['GET', 'POST']) {
      const scene = await answering(`${CHUNKED}X-Before: 1\r\n${field}\r\nX-Behind: 2\r\n\r\n`);
      expect(await askTwice(scene, method)).toBe(`${CHUNKED}X-Before: 1\r\nX-Behind: 2\r\n\r\n${AFTER}`);
    }
  });

  it('does not make a head with two lengths valid', async () => {
    const scene = await answering(
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${CHUNKED.slice('HTTP/1.1 200 OK\r\n'.length)}\r\n`,
    );
    expect(await askTwice(scene)).toContain('HTTP/1.1 502 ');
  });

  it('does not make the head of the next answer valid either', async () => {
    const upstream = await openOddUpstream((peer) => {
      const answers = [`${CHUNKED}Content-Length: 3\r\n\r\n`, OK.replace('\r\n', '\r\nTransfer-Encoding: chunked\r\n')];
      peer.socket.on('data', () => peer.send(answers.shift() ?? ''));
    });
    const gateway = await openBareGateway(upstream.upstream);
    open.push(upstream, gateway);
    expect(await askTwice({ gateway, upstream })).toContain('HTTP/1.1 502 ');
    expect(upstream.connections()).toBe(1);
  });
});

describe('an answer without a body whose head states a length', () => {
  const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';

  it.each([
    ['GET', '204 No Content', '', NO_CONTENT],
    ['POST', '204 No Content', '', NO_CONTENT],
    ['POST', '204 No Content', 'stray', NO_CONTENT],
    ['HEAD', '204 No Content', '', NO_CONTENT],
    ['HEAD', '200 OK', '', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['GET', '304 Not Modified', '', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['GET', '304 Not Modified', 'stray', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ])('is whole, and the connection goes on (%s, %s, body "%s")', async (method, status, stray, answer) => {
    const scene = await answering(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\n${stray}`);
    expect(await askTwice(scene, method)).toBe(answer + AFTER);
  });

  it('is whole when it is read into memory', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n');
    });
    const collected = Promise.withResolvers<unknown>();
    const gateway = await openBareGateway(upstream.upstream, {
      hold: async (response) => {
        collected.resolve(await response.collect(1_000));
        return true;
      },
    });
    open.push(upstream, gateway);
    await exchangeRaw(gateway.port, 'POST /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nContent-Length: 1\r\n\r\n!');
    expect(await collected.promise).toMatchObject({ kind: 'whole' });
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 0 });
  });
});

describe('a transfer coding other than chunks', () => {
  const CODED = '2\r\nok\r\n0\r\n\r\n';

  it.each([
    ['Transfer-Encoding: gzip, chunked', CODED],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', CODED],
    ['transfer-encoding: GZIP,chunked', CODED],
    ['Transfer-Encoding: deflate', 'ok'],
    ['Transfer-Encoding: x-own;level=1, chunked', CODED],
  ])('is an invalid answer: the client would take its bytes for the content (%s)', async (fields, body) => {
    for (const method of ['GET', 'POST']) {
      const received = await askTwice(await answering(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${body}`), method);
      expect(received).toMatch(/^HTTP\/1\.1 502 /);
      expect(received).toContain('upstream_invalid_answer');
    }
  });

  it.each(['chunked', 'Chunked', 'identity, chunked'])('is not meant by "%s"', async (coding) => {
    const scene = await answering(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n${CODED}`);
    expect(await askTwice(scene)).toBe(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CODED}${AFTER}`);
  });
});
