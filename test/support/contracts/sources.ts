import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The development contracts and the source file of each. Every one has an artifact in `config/contracts`. */
export const CONTRACT_FILES = {
  TestUsdc: 'TestUsdc.sol',
  ExactPermit2Proxy: 'ExactPermit2Proxy.sol',
  UptoPermit2Proxy: 'UptoPermit2Proxy.sol',
  SmartAccount: 'SmartAccount.sol',
  SmartAccountFactory: 'SmartAccountFactory.sol',
  FeeToken: 'HostileTokens.sol',
  SilentToken: 'HostileTokens.sol',
} as const;

/** A development contract. */
export type ContractName = keyof typeof CONTRACT_FILES;

/** Every development contract. */
export const CONTRACT_NAMES: readonly ContractName[] = [
  'TestUsdc',
  'ExactPermit2Proxy',
  'UptoPermit2Proxy',
  'SmartAccount',
  'SmartAccountFactory',
  'FeeToken',
  'SilentToken',
];

/** The compiler of the artifacts; `compile.ts` refuses to write them with another one. */
export const COMPILER_VERSION = '0.8.28';

/**
 * Settings of the compiler. Without metadata in the bytecode, equal code gives equal bytes whatever a comment says.
 */
export const COMPILER_SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'cancun',
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
} as const;

const IMPORT = /^import .* from "\.\/([A-Za-z0-9]+\.sol)";$/gm;

/** The sources that a contract is made of, by file name: its own file and what that imports, in a stable order. */
export function sourcesOf(name: ContractName): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const open: string[] = [CONTRACT_FILES[name]];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (sources.has(file)) continue;
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    sources.set(file, text);
    for (const [, imported] of text.matchAll(IMPORT)) if (imported !== undefined) open.push(imported);
  }
  return new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** SHA-256, hex, over everything that decides an artifact: compiler, settings and sources. */
export function sourceHash(name: ContractName): string {
  const parts = [COMPILER_VERSION, COMPILER_SETTINGS, [...sourcesOf(name)]];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
