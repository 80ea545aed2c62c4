import type { AddedFacilitatorSpec, FacilitatorForm } from '../domain/facilitator-spec.ts';
import type { Facilitator } from './facilitator.ts';

/**
 * A kind of facilitator that an embedding program adds to the built-in ones. The built-in `remote` and `local` have
 * their own settings, checks and way into workers, see `src/registry.ts`.
 */
export interface FacilitatorKind extends FacilitatorForm {
  /** Opens it. Nothing is sent before its first call. */
  open(spec: AddedFacilitatorSpec): Facilitator;
}
