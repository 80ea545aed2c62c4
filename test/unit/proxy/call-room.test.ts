import { describe, expect, it } from 'vitest';
import { type Caller, type CallPlace, CallRoom } from '../../../src/proxy/call-room.ts';
import { ServerHealth } from '../../../src/proxy/server-health.ts';

function health(count: number): ServerHealth[] {
  return Array.from({ length: count }, (_, index) => new ServerHealth(`http://10.0.0.${index}`, () => 0));
}

function take(room: CallRoom, kind: Caller['kind'], client = 'somebody', most?: number): CallPlace {
  const place = room.take({ client, kind }, most);
  if (typeof place === 'string') throw new Error(place);
  return place;
}

describe('the room for calls at an upstream', () => {
  it.each([
    [1, 1],
    [3, 2],
    [200, 100],
    [512, 128],
  ])('of %i connections is %i for one client, where nothing else is configured', (connections, most) => {
    const room = new CallRoom({ connections, paidConnections: 0, health: health(1) });
    for (let held = 0; held < most; held += 1) take(room, 'paid');
    expect(room.take({ client: 'somebody', kind: 'paid' }, undefined)).toBe('client');
    if (connections > most) take(room, 'paid', 'another');
  });

  it('counts the calls of a client over all kinds', () => {
    const room = new CallRoom({ connections: 8, paidConnections: 0, health: health(1) });
    for (const kind of ['free', 'paid', 'tunnel'] as const) take(room, kind, 'somebody', 3);
    expect(room.take({ client: 'somebody', kind: 'free' }, 3)).toBe('client');
  });

  it('keeps a share for paid calls, which may use all of it', () => {
    const room = new CallRoom({ connections: 4, paidConnections: 1, health: health(1) });
    for (let held = 0; held < 3; held += 1) take(room, 'free', 'somebody', 10);
    expect(room.take({ client: 'another', kind: 'free' }, 10)).toBe('free');
    take(room, 'paid', 'another', 10);
    expect(room.take({ client: 'another', kind: 'paid' }, 10)).toBe('all');
    expect(room.take({ client: 'another', kind: 'free' }, 10)).toBe('all');
  });

  it('cannot be used up by a few wallets and addresses that promise to pay, and keeps a share for paid calls', () => {
    const room = new CallRoom({ connections: 512, paidConnections: 128, health: health(1) });
    let held = 0;
    for (let round = 0; round < 600; round += 1) {
      const caller = { client: `a${round % 4}`, kind: 'promised', payer: `w${round % 8}` } as const;
      if (typeof room.take(caller, undefined) === 'object') held += 1;
    }
    expect(held).toBeLessThan(400);
    for (let buyer = 0; buyer < 20; buyer += 1)
      expect(room.take({ client: `b${buyer}`, kind: 'promised', payer: `v${buyer}` }, undefined)).toBeTypeOf('object');
    while (typeof room.take({ client: `c${held}`, kind: 'promised', payer: `u${held}` }, undefined) === 'object')
      held += 1;
    expect(room.take({ client: 'd', kind: 'promised', payer: 'd' }, undefined)).toBe('promised');
    for (let paid = 0; paid < 64; paid += 1) take(room, 'paid', `e${paid}`);
    expect(room.take({ client: 'f', kind: 'paid' }, undefined)).toBe('all');
  });

  it('is open to a single buyer when it is small, and is free again after promised calls end', () => {
    const room = new CallRoom({ connections: 16, paidConnections: 4, health: health(1) });
    const one = { client: 'a', kind: 'promised', payer: 'w' } as const;
    for (let round = 0; round < 3; round += 1) {
      const places = Array.from({ length: 14 }, () => room.take(one, 16));
      expect(room.take(one, 16)).toBe('promised');
      for (const place of places) {
        expect(place).toBeTypeOf('object');
        if (typeof place === 'object') place.release();
      }
    }
  });

  it('is not taken up by tunnels, which have connections of their own', () => {
    const room = new CallRoom({ connections: 1, paidConnections: 0, health: health(1) });
    for (let held = 0; held < 5; held += 1) take(room, 'tunnel', 'somebody', 10);
    take(room, 'free', 'somebody', 10);
    expect(room.take({ client: 'somebody', kind: 'free' }, 10)).toBe('all');
  });

  it('is given back once, however often that is called', () => {
    const room = new CallRoom({ connections: 2, paidConnections: 0, health: health(1) });
    const [first, second] = [take(room, 'free', 'a', 2), take(room, 'free', 'b', 2)];
    first.release();
    first.release();
    take(room, 'free', 'c', 2);
    expect(room.take({ client: 'd', kind: 'free' }, 2)).toBe('all');
    second.release();
    take(room, 'free', 'd', 2);
  });

  it('shrinks with servers that are left out, and never to nothing', () => {
    const servers = health(2);
    const room = new CallRoom({ connections: 1, paidConnections: 0, health: servers });
    take(room, 'free', 'a', 9);
    for (let failure = 0; failure < 3; failure += 1) servers[0]?.failed();
    expect(room.take({ client: 'b', kind: 'free' }, 9)).toBe('all');
    servers[0]?.answered();
    take(room, 'free', 'b', 9).release();
    for (const server of servers) for (let failure = 0; failure < 3; failure += 1) server.failed();
    expect(room.take({ client: 'b', kind: 'free' }, 9)).toBe('all');
  });
});
