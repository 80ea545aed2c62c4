import type { AskingProxy } from '../domain/asking-proxy.ts';
import type { Door } from '../pipeline/door.ts';
import { serve } from '../pipeline/serve.ts';
import { AskingClient } from './asking-client.ts';
import { LetPass } from './let-pass.ts';
import { QUESTION_FORMS } from './question-form.ts';

/** Opens the door at which a proxy asks whether requests may pass (`authz`), and forwards them itself. */
export function openAuthzDoor(proxy: AskingProxy): Door {
  const form = QUESTION_FORMS[proxy];
  return {
    async serve({ head, client }, services) {
      const asking = new AskingClient(client, form);
      await serve({ head, client: asking }, services, new LetPass(asking, form));
    },
  };
}
