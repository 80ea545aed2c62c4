import { readFile } from 'node:fs/promises';
import { isHex } from 'viem';
import { DevnetError } from './devnet-error.ts';

/** The code of a development contract, as `config/contracts` keeps it. */
export interface Artifact {
  /** Code that makes the contract, without constructor arguments. */
  readonly bytecode: `0x${string}`;
  /** Code that stands at the contract's address. */
  readonly deployedBytecode: `0x${string}`;
}

/**
 * Reads the artifact of one development contract.
 *
 * @throws {DevnetError} when there is none, or it is damaged
 */
export async function readArtifact(contractName: string): Promise<Artifact> {
  const file = new URL(`../../config/contracts/${contractName}.json`, import.meta.url);
  try {
    const artifact: unknown = JSON.parse(await readFile(file, 'utf8'));
    return { bytecode: codeOf(artifact, 'bytecode'), deployedBytecode: codeOf(artifact, 'deployedBytecode') };
  } catch (cause) {
    throw new DevnetError(`The development contract ${contractName} cannot be read.\nInstall the package again.`, {
      cause,
    });
  }
}

function codeOf(artifact: unknown, key: keyof Artifact): `0x${string}` {
  const code = Object.entries(Object(artifact)).find(([name]) => name === key)?.[1];
  if (!isHex(code) || code === '0x') throw new Error(`${key} holds no code`);
  return code;
}
