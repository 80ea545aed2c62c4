import { describe, expect, it } from 'vitest';
import type { LocalFacilitatorSpec, RemoteFacilitatorSpec } from '../../../src/domain/facilitator-spec.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { WorkerChannel } from '../../../src/facilitator/relayed/settlement-channel.ts';
import { FacilitatorOpener, inWorker, settledNetworks, settlesHere } from '../../../src/registry.ts';

const BASE = 'eip155:8453' as Network;

const REMOTE: RemoteFacilitatorSpec = {
  kind: 'remote',
  name: 'facilitator.example',
  url: 'https://facilitator.example',
  headers: [],
  verifyTimeoutMs: 1000,
  settleTimeoutMs: 1000,
  cdp: undefined,
  rpc: new Map([[BASE, 'http://127.0.0.1:1']]),
};

const LOCAL: LocalFacilitatorSpec = {
  kind: 'local',
  name: 'local',
  rpc: new Map([[BASE, 'http://127.0.0.1:1']]),
  key: `0x${'1'.repeat(64)}`,
  maxFeePerGas: 1n,
  eip6492Factories: [],
  confirmations: 1,
  failedGas: { ofPayer: 600_000n, inAll: 6_000_000n },
  settleTimeoutMs: 1000,
};

const SILENT: WorkerChannel = { send: () => {}, receive: () => () => {}, gone: new AbortController().signal };

describe('the kinds of facilitators', () => {
  it('say which of them settles with a key of this gateway, and on which networks', () => {
    expect([settlesHere(REMOTE), settlesHere(LOCAL)]).toEqual([false, true]);
    expect([settledNetworks(REMOTE), settledNetworks(LOCAL)]).toEqual([undefined, [BASE]]);
  });

  it('are opened by an opener that loaded them, and by no other', async () => {
    const opener = new FacilitatorOpener();
    await opener.load([LOCAL]);
    const opened = opener.open(LOCAL);
    expect(opened.name).toBe('local');
    await opened.close();
    expect(() => new FacilitatorOpener().open(LOCAL)).toThrow('the facilitator local was not loaded');
  });

  it('settle in the worker itself unless they use a key of this gateway', async () => {
    const opener = new FacilitatorOpener();
    await opener.load([REMOTE, LOCAL]);
    const [remote, local] = [opener.open(REMOTE), opener.open(LOCAL)];
    const settlements = { channel: SILENT, id: 'a name' };
    const relayed = inWorker(LOCAL, local, settlements);
    expect(inWorker(REMOTE, remote, settlements)).toBe(remote);
    expect([relayed === local, relayed.name]).toEqual([false, 'local']);
    await Promise.all([remote.close(), relayed.close()]);
  });
});
