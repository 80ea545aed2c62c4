import { Gauge, type Registry } from 'prom-client';
import type { SettlerReading } from '../domain/settler-funds.ts';

/** One reading of a settling account, and its facilitator. */
export interface SettlerAccount extends SettlerReading {
  /** The facilitator's name in the configuration. */
  readonly facilitator: string;
}

/** Balances of the accounts that pay for settlements. */
export interface SettlerMetrics {
  /**
   * @param accounts all accounts; one that cannot be read is shown as NaN, since neither 0 nor an old figure is true
   */
  setSettlers(accounts: readonly SettlerAccount[]): void;
}

/** Wei in one ether, and in one gwei. */
const ETHER = 1e18;
const GWEI = 1e9;

/** The accounts of ours that pay for settlements. One process reads each of them. */
export function createSettlerMetrics(registry: Registry): SettlerMetrics {
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name, help, labelNames: ['facilitator', 'network'], aggregator: 'max', registers: [registry] });
  const readable = gauge(
    'turnpike_settler_readable',
    'Whether the account could be read (1) or not (0) at the last look.',
  );
  const balance = gauge(
    'turnpike_settler_balance_ether',
    "What the settling account holds of the network's own coin, in units of 10^18 wei. NaN while it cannot be read.",
  );
  const gasPrice = gauge(
    'turnpike_settler_gas_price_gwei',
    'What the chain asks for one unit of gas now, tip included. NaN while it cannot be read.',
  );
  const limit = gauge(
    'turnpike_settler_gas_price_limit_gwei',
    'The configured maxFeePerGas: settlements wait while the base fee is above it. NaN while the account cannot be read.',
  );
  const left = gauge(
    'turnpike_settler_settlements_left',
    'How many settlements the account still pays for at the present price of gas. NaN while it cannot be read.',
  );
  return {
    setSettlers(accounts) {
      for (const each of [readable, balance, gasPrice, limit, left]) each.reset();
      for (const { facilitator, network, funds } of accounts) {
        const labels = { facilitator, network };
        readable.set(labels, funds === undefined ? 0 : 1);
        balance.set(labels, Number(funds?.coins ?? Number.NaN) / ETHER);
        gasPrice.set(labels, Number(funds?.gasPrice ?? Number.NaN) / GWEI);
        limit.set(labels, Number(funds?.gasPriceLimit ?? Number.NaN) / GWEI);
        left.set(labels, Number(funds?.settlements ?? Number.NaN));
      }
    },
  };
}
