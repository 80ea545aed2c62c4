import { ForeignStoreError } from '../../store/store-open-error.ts';
import { UnservedOfferError } from '../readiness.ts';

/** Why a worker could not start, in a form that can be sent to the primary, which reports it. */
export interface StartFault {
  readonly name: string;
  readonly message: string;
  /** The operating system's error: its code, the call, and the address. */
  readonly system: { code?: string; syscall?: string; address?: string; port?: number };
}

/** Puts a fault into a form that can be sent to the primary. */
export function describeStartFault(fault: unknown): StartFault {
  if (!(fault instanceof Error)) return { name: 'Error', message: String(fault), system: {} };
  const { name, message } = fault;
  return { name, message, system: systemFacts(fault) };
}

/** Makes an error from a {@link StartFault}. It is reported as the original error would be. */
export function restoreStartFault({ name, message, system }: StartFault): Error {
  if (name === UnservedOfferError.prototype.constructor.name) return new UnservedOfferError(message);
  if (name === ForeignStoreError.prototype.constructor.name) return new ForeignStoreError(message);
  return Object.assign(new Error(message), system);
}

function systemFacts(fault: Error): StartFault['system'] {
  const facts: StartFault['system'] = {};
  if ('code' in fault && typeof fault.code === 'string') facts.code = fault.code;
  if ('syscall' in fault && typeof fault.syscall === 'string') facts.syscall = fault.syscall;
  if ('address' in fault && typeof fault.address === 'string') facts.address = fault.address;
  if ('port' in fault && typeof fault.port === 'number') facts.port = fault.port;
  return facts;
}
