import type { ProtocolKind } from '../protocol-kind.ts';
import { challengeSecrets } from './challenge-secrets.ts';

/** MPP, whose challenges are signed with the keys of the configuration, or with a secret of the store. */
export const mppKind: ProtocolKind = {
  setting: 'mpp',
  async open({ terms, storeSecret, clock }) {
    const { header, keys } = terms.mpp;
    const secrets = challengeSecrets(keys.length > 0 ? keys : [await storeSecret()]);
    const [{ createMpp }, { loadKeccak256 }] = await Promise.all([import('./mpp.ts'), import('../../evm/keccak.ts')]);
    return createMpp({ secrets, header, keccak256: await loadKeccak256(), clock });
  },
};
