/** What a wallet in the browser can be asked (EIP-1193). */
export interface WalletProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
}

/** A wallet that a buyer can choose. */
export interface Wallet {
  /** As it calls itself; `undefined` where it does not say. */
  readonly name: string | undefined;
  /** A `data:` URI of an image. */
  readonly icon: string | undefined;
  readonly provider: WalletProvider;
}

/**
 * Finds the wallets of this browser as they announce themselves (EIP-6963), and the one of `window.ethereum` where it is
 * none of them. `changed` is called with all that are known, at once and with each one more.
 */
export function findWallets(changed: (wallets: readonly Wallet[]) => void): void {
  const announced: Wallet[] = [];
  const report = (): void => {
    const injected = injectedProvider();
    const isKnown = injected === undefined || announced.some(({ provider }) => provider === injected);
    // One that announced itself is most often the same one, behind another object.
    changed(isKnown || announced.length > 0 ? announced : [{ name: undefined, icon: undefined, provider: injected }]);
  };
  addEventListener('eip6963:announceProvider', (event) => {
    const wallet = announcedWallet(event);
    if (wallet === undefined || announced.some(({ provider }) => provider === wallet.provider)) return;
    announced.push(wallet);
    report();
  });
  addEventListener('ethereum#initialized', report, { once: true });
  report();
  dispatchEvent(new Event('eip6963:requestProvider'));
}

function announcedWallet(event: Event): Wallet | undefined {
  if (!(event instanceof CustomEvent)) return undefined;
  const detail: { info?: { name?: unknown; icon?: unknown }; provider?: unknown } = Object(event.detail);
  const { info, provider } = detail;
  if (!isProvider(provider)) return undefined;
  return {
    name: typeof info?.name === 'string' && info.name.trim() !== '' ? info.name.slice(0, 40) : undefined,
    // Anything else would be a request to somebody.
    icon: typeof info?.icon === 'string' && info.icon.startsWith('data:image/') ? info.icon : undefined,
    provider,
  };
}

function injectedProvider(): WalletProvider | undefined {
  const { ethereum }: { ethereum?: unknown } = Object(window);
  return isProvider(ethereum) ? ethereum : undefined;
}

function isProvider(value: unknown): value is WalletProvider {
  return typeof value === 'object' && value !== null && 'request' in value && typeof value.request === 'function';
}
