import type { PayableOffer } from '../../paywall/page-data.ts';
import { type TransferAuthorization, typedData } from './authorization.ts';
import { codeOf, Problem, UNKNOWN_NETWORK, walletProblem } from './problem.ts';
import type { WalletProvider } from './wallets.ts';

const BALANCE_OF = '0x70a08231';
/** Wallets on phones say that they have switched before they have. How often, and how long apart, they are asked. */
const SWITCH_CHECKS = 20;
const SWITCH_CHECK_MS = 100;

/** Asks a wallet for its account. @throws Problem */
export async function connect(provider: WalletProvider): Promise<string> {
  const accounts = await ask(provider, 'eth_requestAccounts');
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first === 'string' && /^0x[0-9a-fA-F]{40}$/.test(first)) return first;
  throw new Problem('walletFault', 'walletFaultCure', { message: 'no account' });
}

/** Switches a wallet to the network of an offer. @throws Problem */
export async function switchNetwork(provider: WalletProvider, { chainId, network }: PayableOffer): Promise<void> {
  if (await isOn(provider, chainId)) return;
  const wrong = new Problem('wrongNetwork', 'wrongNetworkCure', { network });
  try {
    await provider.request({
      method: 'wallet_switchEthereumChain',
      params: [{ chainId: `0x${chainId.toString(16)}` }],
    });
  } catch (fault) {
    // The wallet does not know the network, or the buyer refused.
    throw codeOf(fault) === UNKNOWN_NETWORK || codeOf(fault) === 4001 ? wrong : walletProblem(fault);
  }
  for (let check = 1; !(await isOn(provider, chainId)); check += 1) {
    if (check === SWITCH_CHECKS) throw wrong;
    await new Promise((resolve) => setTimeout(resolve, SWITCH_CHECK_MS));
  }
}

/** Checks that the account holds the price. A wallet that cannot read the balance passes. @throws Problem */
export async function checkBalance(provider: WalletProvider, offer: PayableOffer, account: string): Promise<void> {
  const data = BALANCE_OF + account.slice(2).toLowerCase().padStart(64, '0');
  const { asset, amount } = offer.accepted;
  let balance: bigint;
  try {
    const answer = await provider.request({ method: 'eth_call', params: [{ to: asset, data }, 'latest'] });
    balance = BigInt(String(answer));
  } catch {
    return;
  }
  if (balance >= BigInt(amount)) return;
  throw notEnough(offer, account, `${inUnits(balance, offer.decimals)} ${offer.symbol}`);
}

/** The problem of an account that does not hold the price. */
function notEnough(offer: PayableOffer, account: string, balance: string): Problem {
  const { symbol, network, price } = offer;
  return new Problem('notEnough', 'notEnoughCure', { symbol, network, price, account, balance });
}

/** Asks a wallet to sign an authorization. @throws Problem */
export async function sign(
  provider: WalletProvider,
  offer: PayableOffer,
  authorization: TransferAuthorization,
): Promise<string> {
  const params = [authorization.from, typedData(offer, authorization)];
  const signature = await ask(provider, 'eth_signTypedData_v4', params);
  if (typeof signature === 'string' && /^0x(?:[0-9a-fA-F]{2})+$/.test(signature)) return signature;
  throw new Problem('walletFault', 'walletFaultCure', { message: 'no signature' });
}

async function isOn(provider: WalletProvider, chainId: number): Promise<boolean> {
  return Number(await ask(provider, 'eth_chainId')) === chainId;
}

async function ask(provider: WalletProvider, method: string, params: readonly unknown[] = []): Promise<unknown> {
  try {
    return await provider.request({ method, params });
  } catch (fault) {
    throw walletProblem(fault);
  }
}

function inUnits(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return digits.slice(0, digits.length - decimals) + (fraction === '' ? '' : `.${fraction}`);
}
