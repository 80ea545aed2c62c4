import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../../src/proxy/client-address.ts';
import { forwardRequestHeaders } from '../../../src/proxy/headers/to-upstream.ts';
import { readRequestHead } from '../../../src/proxy/request-head.ts';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';
import { FIELDS } from '../../support/payment-fields.ts';

/** The head of a request from an address, as the socket writes it. */
function headFrom(address: string | undefined) {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  return readRequestHead(new IncomingMessage(socket));
}

/** What a socket writes, and what others know the address as. */
const FORMS = [
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['fe80::1%br-0a1b', 'fe80::1'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['unix', 'unix'],
] as const;

describe('the address of a client', () => {
  it.each(FORMS)('%s is known to the API and the log as %s', (address, known) => {
    const head = headFrom(address);
    expect(clientAddress(head, compileTrustedPeers([]))).toBe(known);
    const sent = forwardRequestHeaders([], {
      fields: FIELDS,
      peer: head.peer ?? 'unknown',
      peerTrusted: false,
      proto: 'http',
      host: 'gw.test',
      requestId: 'r1',
      upstreamHeaders: [],
      paid: undefined,
      trace: undefined,
    });
    expect(sent[sent.indexOf('X-Forwarded-For') + 1]).toBe(known);
  });

  it('stays unknown where the connection is gone', () => {
    expect(headFrom(undefined).peer).toBeUndefined();
  });

  it('is plain where a trusted proxy writes the mapped form', () => {
    const headers = { 'x-forwarded-for': '::ffff:192.0.2.1' };
    expect(clientAddress({ peer: '10.0.0.1', headers }, compileTrustedPeers(['10.0.0.0/8']))).toBe('192.0.2.1');
  });
});
