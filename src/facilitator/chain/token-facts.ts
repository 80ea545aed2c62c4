import { decodeFunctionResult, domainSeparator, encodeFunctionData } from 'viem';
import type { TypedDataToken } from '../../domain/asset.ts';
import { tokenAbi } from '../../evm/abi.ts';
import { type Address, type Hex, parseAddress } from '../../evm/address.ts';
import { ChainNode } from './chain-node.ts';

/** A statement of the configuration about a token that the chain contradicts; `key` is the wrong one. */
export interface TokenFault {
  readonly key: 'node' | 'address' | 'decimals' | 'name' | 'version';
  readonly wrong: string;
  readonly right: string;
}

/**
 * Asks a node which statements about a token are wrong. Rejects with a {@link GatewayError} when the node does not
 * answer.
 */
export type TokenReader = (url: string, asset: TypedDataToken, proxy?: string) => Promise<readonly TokenFault[]>;

/** Most gas that one answer of a proxied contract needs. */
const READ_GAS = 1_000_000n;
const NOBODY = '0x0000000000000000000000000000000000000000' as Address;
/** How long one token may take, in milliseconds: a start waits for it. */
const ASK_WITHIN_MS = 10_000;
/** Versions of tokens that do not state theirs. */
const USUAL_VERSIONS = ['1', '2'];

/** A {@link TokenReader} that reads the contract at the newest block. */
export const readTokenFaults: TokenReader = async (url, asset, proxy) => {
  const signal = AbortSignal.timeout(ASK_WITHIN_MS);
  const node = new ChainNode(asset.network, url, proxy);
  const chain = await node.servedChain(signal);
  if (chain !== BigInt(node.chainId)) {
    return [{ key: 'node', wrong: `the node serves eip155:${chain}`, right: `a node of ${asset.network}` }];
  }
  const address = parseAddress(asset.address);
  if (address === undefined || !(await node.hasCode(address, signal))) {
    return [{ key: 'address', wrong: `there is no contract on ${asset.network}`, right: 'the address of the token' }];
  }
  const contract = { node, address, signal };
  const decimals = await read(contract, 'decimals');
  if (decimals === undefined) {
    return [{ key: 'address', wrong: 'the contract has no decimals()', right: 'the address of the token' }];
  }
  const faults: TokenFault[] = [];
  if (decimals !== asset.decimals) {
    faults.push({
      key: 'decimals',
      wrong: `the contract says ${decimals}, not ${asset.decimals}`,
      right: `${decimals}`,
    });
  }
  // Payments over Permit2 sign Permit2's domain, not the token's.
  if (asset.transferMethod === 'eip3009') faults.push(...(await domainFaults(contract, asset)));
  return faults;
};

/** A contract that is being asked. */
interface Contract {
  readonly node: ChainNode;
  readonly address: Address;
  readonly signal: AbortSignal;
}

/** Only the separator decides: `name()` is often not the name that is signed. */
async function domainFaults(contract: Contract, asset: TypedDataToken): Promise<readonly TokenFault[]> {
  const separator = await read(contract, 'DOMAIN_SEPARATOR');
  const separatorOf = (name: string, version: string): Hex => {
    const { address: verifyingContract, node } = contract;
    return domainSeparator({ domain: { name, version, chainId: node.chainId, verifyingContract } });
  };
  if (separator === undefined || separator === separatorOf(asset.name, asset.version)) return [];
  const names = [asset.name, await read(contract, 'name')].filter((name) => name !== undefined);
  const versions = [asset.version, await read(contract, 'version'), ...USUAL_VERSIONS].filter((it) => it !== undefined);
  for (const name of names) {
    const version = versions.find((each) => separatorOf(name, each) === separator);
    if (version !== undefined)
      return [...differs('name', asset.name, name), ...differs('version', asset.version, version)];
  }
  const wrong = "the contract's DOMAIN_SEPARATOR is that of another name or version";
  return [{ key: 'name', wrong, right: 'name and version of its EIP-712 domain' }];
}

function differs(key: 'name' | 'version', said: string, signed: string): readonly TokenFault[] {
  if (said === signed) return [];
  const [wrong, right] = [`the contract signs with ${JSON.stringify(signed)}, not ${JSON.stringify(said)}`, signed];
  return [{ key, wrong, right: JSON.stringify(right) }];
}

/** What a function without arguments returns; `undefined` where the contract has none that makes sense. */
async function read(contract: Contract, functionName: 'decimals'): Promise<number | undefined>;
async function read(contract: Contract, functionName: 'DOMAIN_SEPARATOR'): Promise<Hex | undefined>;
async function read(contract: Contract, functionName: 'name' | 'version'): Promise<string | undefined>;
async function read(
  { node, address, signal }: Contract,
  functionName: 'decimals' | 'DOMAIN_SEPARATOR' | 'name' | 'version',
): Promise<string | number | undefined> {
  const data = encodeFunctionData({ abi: tokenAbi, functionName });
  const result = await node.call({ to: address, data, gas: READ_GAS }, NOBODY, signal);
  if (result.kind === 'reverted') return undefined;
  try {
    return decodeFunctionResult({ abi: tokenAbi, functionName, data: result.data });
  } catch {
    return undefined;
  }
}
