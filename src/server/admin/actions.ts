import { describePass } from '../../admin/pass-entry.ts';
import { STATE_MEANINGS } from '../../admin/state-meanings.ts';
import { parsePassId } from '../../domain/pass.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import { AdminRefusal } from './admin-refusal.ts';
import type { ApiCall } from './api-call.ts';
import type { AdminSources } from './sources.ts';

/** Longest note, in characters. */
const MOST_CHARACTERS = 1_000;

/** The changes that the admin page can make. None of them moves money. */
export class Actions {
  readonly #sources: AdminSources;

  constructor(sources: AdminSources) {
    this.#sources = sources;
  }

  /** Ends a pass for ever, as `turnpike token revoke` does. */
  async revokePass(call: ApiCall) {
    const id = parsePassId(call.required('id'));
    const now = this.#sources.clock();
    const pass =
      id === undefined ? undefined : await this.#sources.ledger.act(({ passes }) => passes.revokePass(id, now));
    if (pass === undefined) throw new AdminRefusal('not_found', 'the store has no such pass');
    return describePass(pass, now);
  }

  /** Notes that an operator has taken care of a payment, as `turnpike ledger resolve` does. */
  async resolvePayment(call: ApiCall) {
    const key = call.required('key') as PaymentKey;
    const note = call.required('note').trim();
    if (note === '' || note.length > MOST_CHARACTERS) {
      throw new AdminRefusal('bad_request', `note has 1 to ${MOST_CHARACTERS} characters`);
    }
    const at = this.#sources.clock();
    const noted = await this.#sources.ledger.act((store) => store.resolve(key, { at, note }));
    if (noted !== undefined)
      return { key: noted.key, state: noted.state, resolved: { at: new Date(at).toISOString(), note } };
    const record = await (await this.#sources.ledger.books()).find(key);
    if (record === undefined) throw new AdminRefusal('not_found', 'the ledger has no such payment');
    const meaning = STATE_MEANINGS[record.state];
    throw new AdminRefusal('nothing_to_resolve', `this payment needs no action: ${meaning}`);
  }

  /** Re-reads the configuration file, as SIGHUP does. */
  async reload() {
    const { reloads } = this.#sources;
    if (reloads === undefined) throw new AdminRefusal('not_found', 'this gateway follows no file');
    await reloads.reload();
    const [latest] = reloads.history();
    return { outcome: latest?.outcome ?? 'unchanged', notes: latest?.notes ?? [] };
  }
}
