/** Something that must not happen. */
export interface Violation {
  readonly kind: string;
  readonly detail: string;
  /** The case whose bytes caused it, where it is known. */
  readonly caseId: string | undefined;
}

/** Collects violations. The first of each kind are kept whole, the others are counted. */
export class Violations {
  readonly kept: Violation[] = [];
  readonly counts = new Map<string, number>();
  readonly #most: number;

  constructor(most = 5) {
    this.#most = most;
  }

  add(kind: string, detail: string, caseId?: string): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count <= this.#most) this.kept.push({ kind, detail, caseId });
  }

  count(kind: string): number {
    return this.counts.get(kind) ?? 0;
  }
}
