import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Devnet, Payer } from './devnet.ts';

/** The Chromium of this machine, or `undefined`. */
export function findChromium(): string | undefined {
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => spawnSync(path, ['--version']).status === 0);
}

/** Starts Chromium without a window. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** How a wallet behaves; without any of it, its owner agrees to everything. */
export interface WalletConduct {
  /** Its name, by EIP-6963; `undefined` puts it into `window.ethereum` alone. */
  readonly name?: string;
  readonly icon?: string;
  /** The network that it is on first. Default: the devnet's. */
  readonly chainId?: number;
  /** Whether it knows how to go to the devnet's. */
  readonly knowsNetwork?: boolean;
  /** How often it still names the old network after it said that it has switched. */
  readonly switchesLate?: number;
  /** Methods that its owner declines. */
  readonly declines?: readonly string[];
  /** Signs with another key than its account's. */
  readonly signsWith?: Hex;
  /** Waited for before it answers. */
  readonly before?: (method: string) => Promise<unknown>;
  /** Gives the error that a method is answered with. */
  readonly fails?: Readonly<Record<string, { readonly code: number; readonly message: string }>>;
}

/** What a wallet was asked. */
export interface WalletCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** Puts a wallet with a key into every page of a tab, before its scripts run. */
export async function giveWallet(
  page: Page,
  devnet: Devnet,
  { key, address }: Pick<Payer, 'key' | 'address'>,
  conduct: WalletConduct = {},
): Promise<readonly WalletCall[]> {
  const calls: WalletCall[] = [];
  let chainId = conduct.chainId ?? devnet.chainId;
  let late = 0;
  const act = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    calls.push({ method, params });
    await conduct.before?.(method);
    const fault = conduct.fails?.[method];
    if (fault !== undefined) return { fault };
    if (conduct.declines?.includes(method) === true) return { fault: { code: 4001, message: 'User rejected' } };
    switch (method) {
      case 'eth_requestAccounts':
        return { value: [address] };
      case 'eth_chainId':
        late -= 1;
        return { value: `0x${(late < 0 ? chainId : conduct.chainId)?.toString(16)}` };
      case 'wallet_switchEthereumChain':
        if (conduct.knowsNetwork === false) return { fault: { code: 4902, message: 'Unrecognized chain ID' } };
        chainId = devnet.chainId;
        late = conduct.switchesLate ?? 0;
        return { value: null };
      case 'eth_signTypedData_v4':
        return { value: await signTyped(conduct.signsWith ?? key, String(params[1])) };
      default:
        return { value: await rpc(devnet, method, params) };
    }
  };
  const name = `turnpikeWallet${Math.floor(Math.random() * 1e9)}`;
  await page.exposeFunction(name, act);
  await page.addInitScript(installWallet, { act: name, name: conduct.name, icon: conduct.icon });
  return calls;
}

/** Runs in the page. */
function installWallet({ act, name, icon }: { act: string; name: string | undefined; icon: string | undefined }): void {
  const scope = globalThis as unknown as Record<string, (method: string, params: unknown) => Promise<unknown>> &
    EventTarget & { ethereum?: unknown };
  const provider = {
    async request({ method, params = [] }: { method: string; params?: unknown }): Promise<unknown> {
      const answer = (await scope[act]?.(method, params)) as {
        value?: unknown;
        fault?: { message: string; code: number };
      };
      if (answer.fault === undefined) return answer.value;
      throw Object.assign(new Error(answer.fault.message), { code: answer.fault.code });
    },
  };
  if (name === undefined) {
    scope.ethereum = provider;
    return;
  }
  const announce = (): boolean => {
    const detail = Object.freeze({ info: { uuid: name, name, icon, rdns: 'test.wallet' }, provider });
    return scope.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  };
  scope.addEventListener('eip6963:requestProvider', announce);
  announce();
}

/** Has one more wallet announce itself, which does nothing. */
export async function announceWallet(page: Page, name: string): Promise<void> {
  await page.evaluate((wallet) => {
    const provider = { request: () => Promise.resolve([]) };
    const detail = { info: { uuid: wallet, name: wallet, rdns: 'late.wallet' }, provider };
    (globalThis as unknown as EventTarget).dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  }, name);
}

async function signTyped(key: Hex, json: string): Promise<Hex> {
  const { types, ...rest } = JSON.parse(json);
  const { EIP712Domain: _, ...own } = types;
  return await privateKeyToAccount(key).signTypedData({ ...rest, types: own });
}

async function rpc(devnet: Devnet, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(devnet.rpcUrl, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  const { result }: { result?: unknown } = Object(await response.json());
  return result;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong with a page, by the rules of WCAG 2.2 A and AA and its best practices. */
export async function barriersOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  });
}
