import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Amount } from '../../../src/domain/amount.ts';
import { parseNetwork } from '../../../src/domain/network.ts';
import type { SettlementOutcome } from '../../../src/domain/settlement.ts';
import type { Facilitator } from '../../../src/facilitator/facilitator.ts';
import type { FacilitatorKind } from '../../../src/facilitator/facilitator-kind.ts';

/*
 * A made-up kind of facilitator: it writes transfers into a file, one line each, which is its chain.
 */

const NETWORK = parseNetwork('moor:tide');

export const harbourKind: FacilitatorKind = {
  name: 'harbour',
  expects: 'a map with chain, the path of a file',
  read({ chain }) {
    if (typeof chain !== 'string') return { ok: false, wrong: 'there is no chain', right: 'the path of a file' };
    const networks = NETWORK === undefined ? [] : [NETWORK];
    return { ok: true, value: { settlesHere: false, networks, rpc: new Map(), settleTimeoutMs: 5_000 } };
  },
  open: ({ name, settings }) => openHarbour(name, String(settings['chain'])),
};

/** Transfers of the chain: the payment's key, the transaction and the amount, parted by blanks. */
function transfersOn(chain: string): readonly (readonly string[])[] {
  if (!existsSync(chain)) return [];
  const lines = readFileSync(chain, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split(' '));
}

function openHarbour(name: string, chain: string): Facilitator {
  const outcomeOf = (key: string, payer: string): SettlementOutcome => {
    const [, transaction, amount] = transfersOn(chain).find(([paid]) => paid === key) ?? [];
    if (transaction === undefined || amount === undefined) return { kind: 'failed', reason: 'never sent' };
    return { kind: 'settled', settlement: { transaction, payer, amount: BigInt(amount) as Amount } };
  };
  return {
    name,
    async supported() {
      return NETWORK === undefined ? [] : [{ x402Version: 2, scheme: 'tab', network: NETWORK }];
    },
    async verify({ authorization: { payer } }) {
      return { kind: 'valid', payer };
    },
    async settle({ authorization: { key, payer } }, amount, journal) {
      const transaction = `tx.${transfersOn(chain).length + 1}`;
      await journal({ transaction, data: '' });
      appendFileSync(chain, `${key} ${transaction} ${amount}\n`);
      return outcomeOf(key, payer);
    },
    async resolve({ payment: { authorization } }) {
      return outcomeOf(authorization.key, authorization.payer);
    },
    async close() {},
  };
}
