/** A text, number, truth value or nothing. */
export interface ScalarNode {
  readonly kind: 'scalar';
  /** Characters from the start of the file, as in every node. */
  readonly offset: number;
  readonly value: string | number | boolean | null;
  /** How a value that is no text is written. */
  readonly written?: string | undefined;
}

export interface MapNode {
  readonly kind: 'map';
  readonly offset: number;
  readonly pairs: readonly MapPair[];
}

/** A key of a map, and what it stands for; a flow map may have keys without a value. */
export interface MapPair {
  readonly name: string;
  readonly offset: number;
  readonly value: ConfigNode | undefined;
}

export interface ListNode {
  readonly kind: 'list';
  readonly offset: number;
  readonly items: readonly (ConfigNode | undefined)[];
}

export interface AliasNode {
  readonly kind: 'alias';
  readonly offset: number;
  readonly name: string;
  /** The last node before it with an anchor of that name; it may hold the alias itself. */
  readonly target: ConfigNode | undefined;
}

/** A value of a configuration file and where it stands. */
export type ConfigNode = ScalarNode | MapNode | ListNode | AliasNode;
