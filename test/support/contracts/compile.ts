/** `npm run contracts`: compiles the development contracts and writes their artifacts to `config/contracts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import solc from 'solc';
import {
  COMPILER_SETTINGS,
  COMPILER_VERSION,
  CONTRACT_FILES,
  CONTRACT_NAMES,
  type ContractName,
  sourceHash,
  sourcesOf,
} from './sources.ts';

const ARTIFACTS = new URL('../../../config/contracts/', import.meta.url);

/** The part of the compiler's standard JSON output that is read here. */
interface CompilerOutput {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, CompiledContract>>>>;
}

interface CompiledContract {
  readonly abi: readonly unknown[];
  readonly evm: {
    readonly bytecode: { readonly object: string };
    readonly deployedBytecode: { readonly object: string };
  };
}

/** Compiles all contracts at once; a warning counts as an error, because nobody reads one here. */
function compile(): CompilerOutput {
  const sources: Record<string, { content: string }> = {};
  for (const name of CONTRACT_NAMES) {
    for (const [file, content] of sourcesOf(name)) sources[file] = { content };
  }
  const input = { language: 'Solidity', sources, settings: COMPILER_SETTINGS };
  const output: CompilerOutput = JSON.parse(solc.compile(JSON.stringify(input)));
  if (output.errors !== undefined && output.errors.length > 0) {
    throw new Error(output.errors.map((error) => error.formattedMessage).join('\n'));
  }
  return output;
}

/** Writes one artifact; returns its size in bytes of deployed code. */
function writeArtifact(name: ContractName, output: CompilerOutput): number {
  const contract = output.contracts?.[CONTRACT_FILES[name]]?.[name];
  if (contract === undefined) throw new Error(`the compiler gave no ${name}`);
  const artifact = {
    contractName: name,
    compiler: `solc ${solc.version()}`,
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
    sourceHash: sourceHash(name),
  };
  writeFileSync(new URL(`${name}.json`, ARTIFACTS), `${JSON.stringify(artifact, undefined, 2)}\n`);
  return contract.evm.deployedBytecode.object.length / 2;
}

if (!solc.version().startsWith(`${COMPILER_VERSION}+`)) {
  throw new Error(`the artifacts are made with solc ${COMPILER_VERSION}, this is ${solc.version()}`);
}
const output = compile();
mkdirSync(ARTIFACTS, { recursive: true });
for (const name of CONTRACT_NAMES) {
  process.stdout.write(`${name}: ${writeArtifact(name, output)} bytes of deployed code\n`);
}
