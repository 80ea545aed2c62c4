import type { AddedFacilitatorSpec, FacilitatorForm } from '../domain/facilitator-spec.ts';
import type { Facilitator } from './facilitator.ts';

/**
 * A kind of facilitator that a program which embeds the gateway adds to those that are built in: `remote` and `local`
 * have settings, checks and a way into workers of their own, see `src/registry.ts`.
 */
export interface FacilitatorKind extends FacilitatorForm {
  /** Opens it. Nothing is sent before its first call. */
  open(spec: AddedFacilitatorSpec): Facilitator;
}
