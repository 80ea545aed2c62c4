/** The interface of a wallet in the browser (EIP-1193). */
export interface WalletProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
}

/** A wallet of the browser, for the buyer to choose. */
export interface Wallet {
  /** The name that it states; `undefined` where it states none. */
  readonly name: string | undefined;
  /** A `data:` URI of an image. */
  readonly icon: string | undefined;
  readonly provider: WalletProvider;
}

/**
 * Finds the wallets that announce themselves (EIP-6963). Where none does, the one of `window.ethereum` counts.
 *
 * @param onChange called with all known wallets, at once and again with each new one
 */
export function findWallets(onChange: (wallets: readonly Wallet[]) => void): void {
  const announced: Wallet[] = [];
  const report = (): void => {
    const injected = injectedProvider();
    const isKnown = injected === undefined || announced.some(({ provider }) => provider === injected);
    // `window.ethereum` is most often one of the announced wallets, as another object.
    onChange(isKnown || announced.length > 0 ? announced : [{ name: undefined, icon: undefined, provider: injected }]);
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
    // Any other address would be a request to a foreign server.
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
