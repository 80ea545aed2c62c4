import type { PageText } from '../../paywall/texts/page-text.ts';

/** Why a purchase stopped: the reason and the cure, as texts for the buyer. Nothing was paid, unless the text says so. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly what: PageText;
  readonly cure: PageText;
  readonly values: Readonly<Record<string, string>>;

  constructor(what: PageText, cure: PageText, values: Readonly<Record<string, string>> = {}) {
    super(what);
    this.what = what;
    this.cure = cure;
    this.values = values;
  }
}

/** EIP-1193: the buyer refused. */
const DECLINED = 4001;
/** The wallet already shows the same request. */
const BUSY = -32002;
/** The wallet does not know the network (EIP-3326). */
export const UNKNOWN_NETWORK = 4902;

/** The code of a wallet's error; in some wallets it is one level deeper. */
export function codeOf(fault: unknown): number | undefined {
  const { code, data }: { code?: unknown; data?: { originalError?: { code?: unknown } } } = Object(fault);
  const inner = data?.originalError?.code;
  return typeof inner === 'number' ? inner : typeof code === 'number' ? code : undefined;
}

/** A wallet's error as a problem for the buyer. */
export function walletProblem(fault: unknown): Problem {
  if (fault instanceof Problem) return fault;
  switch (codeOf(fault)) {
    case DECLINED:
      return new Problem('declined', 'declinedCure');
    case BUSY:
      return new Problem('walletBusy', 'walletBusyCure');
    default: {
      const { message }: { message?: unknown } = Object(fault);
      const said = typeof message === 'string' ? message.slice(0, 200) : String(fault).slice(0, 200);
      return new Problem('walletFault', 'walletFaultCure', { message: said });
    }
  }
}
