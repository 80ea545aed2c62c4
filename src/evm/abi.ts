import { type AbiEvent, parseAbi } from 'viem';

/** What is read from any ERC-20 and EIP-3009 token. */
export const tokenAbi = parseAbi([
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function decimals() view returns (uint8)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function balanceOf(address account) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
]);

/** EIP-3009 with the signature in three words: what every EIP-3009 token has. */
export const transferWithWordsAbi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);

/** EIP-3009 with the signature as bytes (FiatToken v2.2): what smart accounts need. */
export const transferWithBytesAbi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
]);

/** `Transfer` of ERC-20. */
export const transferEvent = {
  type: 'event',
  name: 'Transfer',
  inputs: [
    { name: 'from', type: 'address', indexed: true },
    { name: 'to', type: 'address', indexed: true },
    { name: 'value', type: 'uint256', indexed: false },
  ],
} as const satisfies AbiEvent;

/** `AuthorizationUsed` of EIP-3009. A cancelled authorization emits another event. */
export const authorizationUsedEvent = {
  type: 'event',
  name: 'AuthorizationUsed',
  inputs: [
    { name: 'authorizer', type: 'address', indexed: true },
    { name: 'nonce', type: 'bytes32', indexed: true },
  ],
} as const satisfies AbiEvent;

/** EIP-1271: a smart account judges a signature. */
export const eip1271Abi = parseAbi([
  'function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4 magicValue)',
]);

/** What `isValidSignature` answers for a good signature, as a whole return word. */
export const EIP1271_MAGIC_WORD = `0x1626ba7e${'0'.repeat(56)}` as const;

/** Permit2's unordered nonces: one bit each, 256 to a word. */
export const permit2Abi = parseAbi(['function nonceBitmap(address owner, uint256 word) view returns (uint256)']);

/** The x402 proxy for `exact` payments over Permit2. */
export const exactPermit2ProxyAbi = parseAbi([
  'struct TokenPermissions { address token; uint256 amount; }',
  'struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }',
  'struct Witness { address to; uint256 validAfter; }',
  'struct EIP2612Permit { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }',
  'function settle(PermitTransferFrom permit, address owner, Witness witness, bytes signature)',
  'function settleWithPermit(EIP2612Permit permit2612, PermitTransferFrom permit, address owner, Witness witness, bytes signature)',
]);

/** What both proxies report after each transfer. */
export const settledEvents = parseAbi(['event Settled()', 'event SettledWithPermit()']);

/** Multicall3's general entry point. */
export const multicall3Abi = parseAbi([
  'struct Call3 { address target; bool allowFailure; bytes callData; }',
  'struct Result { bool success; bytes returnData; }',
  'function aggregate3(Call3[] calls) payable returns (Result[] returnData)',
]);
