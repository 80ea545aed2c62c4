/** Why a call of the admin API is refused. The codes are public and listed in docs/admin-page.md. */
const ADMIN_REFUSALS = {
  bad_request: 400,
  token_required: 401,
  cross_site: 403,
  actions_need_token: 403,
  not_found: 404,
  method_not_allowed: 405,
  nothing_to_resolve: 409,
  body_too_large: 413,
  json_required: 415,
  failed: 500,
  ledger_damaged: 500,
  ledger_unavailable: 503,
} as const satisfies Readonly<Record<string, number>>;

/** A public code. */
export type AdminCode = keyof typeof ADMIN_REFUSALS;

/** A refused call, with its reason. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly code: AdminCode;

  /** @param detail for the owner; may be shown */
  constructor(code: AdminCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  get status(): number {
    return ADMIN_REFUSALS[this.code];
  }
}
