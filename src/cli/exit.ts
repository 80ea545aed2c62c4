import { CommanderError } from 'commander';
import { isStoreFault } from '../domain/gateway-error.ts';
import { UnservedOfferError } from '../server/readiness.ts';
import { ForeignStoreError } from '../store/store-open-error.ts';
import { notice, type Terminal } from './terminal.ts';

/** `0` fine, `1` failed at run time, `2` wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2;

/** The command line or the configuration is wrong. The message says what is wrong and what is right. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command failed at what it was asked for, without wrong usage. Exit code 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** Faults of the command line or the configuration, however far the command got. */
const WRONG_CONFIGURATION = [UsageError, UnservedOfferError, ForeignStoreError];

/** Reports the faults of all commands, and returns the exit code for them. */
export function reportFault(fault: unknown, terminal: Terminal): ExitCode {
  // Commander has written its message, or the help that was asked for, already.
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? 0 : 2;
  notice(terminal, `turnpike: ${describe(fault)}`);
  return WRONG_CONFIGURATION.some((kind) => fault instanceof kind) ? 2 : 1;
}

function describe(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  // Why a ledger does not answer is for the operator: buyers read the same error's message.
  if (isStoreFault(fault) && fault.cause instanceof Error) return `${fault.message}\n  reason: ${fault.cause.message}`;
  if (!isSystemError(fault)) return fault.message;
  const where =
    fault.address === undefined ? '' : ` ${fault.address}${fault.port === undefined ? '' : `:${fault.port}`}`;
  switch (fault.code) {
    case 'EADDRINUSE':
      return `cannot listen on${where}: the port is in use by another process`;
    case 'EACCES':
      return fault.syscall === 'listen'
        ? `cannot listen on${where}: the port needs more rights; take one above 1023`
        : fault.message;
    case 'EADDRNOTAVAIL':
      return `cannot listen on${where}: this machine does not have the address`;
    default:
      return fault.message;
  }
}

/** What Node adds to errors of the operating system. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly address?: string;
  readonly port?: number;
}

function isSystemError(fault: Error): fault is SystemError {
  return 'code' in fault && typeof fault.code === 'string' && 'syscall' in fault;
}
