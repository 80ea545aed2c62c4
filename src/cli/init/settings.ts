import { readAssetTable } from '../../config/asset-table.ts';
import type { Scheme } from '../../scheme/scheme.ts';
import { UsageError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { Questioner } from './ask.ts';
import { checkText } from './check-text.ts';
import { PLAIN_ROUTE } from './drafts.ts';
import { configText } from './file-text.ts';

/** What a gateway needs besides its price table, all as text. */
export interface GatewaySettings {
  readonly upstream: string;
  readonly payTo: string;
  readonly network: string;
  readonly facilitator: string;
}

type SettingName = keyof GatewaySettings;

interface Setting {
  readonly option: string;
  /** Its key in `gateway.yaml`. */
  readonly key: string;
  readonly question: string;
  readonly byDefault: string | undefined;
}

const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  upstream: { option: '--upstream', key: 'upstream', question: 'URL of the API', byDefault: 'http://127.0.0.1:8080' },
  network: { option: '--network', key: 'accepts', question: 'Network that you are paid on', byDefault: 'base-sepolia' },
  payTo: { option: '--pay-to', key: 'payTo', question: 'Address of your wallet', byDefault: undefined },
  facilitator: {
    option: '--facilitator',
    key: 'facilitator',
    question: 'URL of the facilitator',
    byDefault: undefined,
  },
};
/** The network before what depends on it. */
const NAMES: readonly SettingName[] = ['upstream', 'network', 'payTo', 'facilitator'];

/** Public facilitators: one for test networks, one for the others. */
const TEST_FACILITATOR = 'https://www.x402.org/facilitator';
const FACILITATOR = 'https://facilitator.payai.network';

/** Valid settings, so that only the setting under test can be wrong. */
const SOUND: GatewaySettings = {
  upstream: 'http://127.0.0.1:8080',
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  network: 'base-sepolia',
  facilitator: TEST_FACILITATOR,
};

/**
 * Completes the settings that were given as options: by questions where a person is at the terminal, and by defaults
 * where there are any.
 *
 * @throws UsageError for a wrong option, and for a missing one where no person can be asked
 */
export async function completeSettings(
  given: Partial<GatewaySettings>,
  schemes: readonly Scheme[],
  terminal: Terminal,
): Promise<GatewaySettings> {
  for (const name of NAMES) {
    const wrong = given[name] === undefined ? undefined : whatIsWrong(name, given[name], given, schemes);
    if (wrong === undefined) continue;
    const assumed = name === 'payTo' && given.network === undefined ? `; without --network it is ${SOUND.network}` : '';
    throw new UsageError(`${SETTINGS[name].option}: ${wrong}${assumed}`);
  }
  const settings = terminal.stdin.isTTY === true ? await askFor(given, schemes, terminal) : given;
  const network = settings.network ?? SETTINGS.network.byDefault ?? SOUND.network;
  const { upstream, payTo, facilitator = facilitatorFor(network) } = settings;
  if (upstream !== undefined && payTo !== undefined) return { upstream, payTo, network, facilitator };
  const missing = [upstream === undefined && '--upstream URL', payTo === undefined && '--pay-to ADDRESS'].filter(
    Boolean,
  );
  throw new UsageError(`missing ${missing.join(' and ')}: there is no terminal to ask at`);
}

async function askFor(
  given: Partial<GatewaySettings>,
  schemes: readonly Scheme[],
  terminal: Terminal,
): Promise<Partial<GatewaySettings>> {
  const missing = NAMES.filter((name) => given[name] === undefined);
  if (missing.length === 0) return given;
  const questioner = new Questioner(terminal);
  const settings: { [Name in SettingName]?: string } = { ...given };
  try {
    for (const name of missing) {
      const byDefault = name === 'facilitator' ? facilitatorFor(settings.network) : SETTINGS[name].byDefault;
      settings[name] = await questioner.ask({
        text: SETTINGS[name].question,
        ...(byDefault === undefined ? {} : { byDefault }),
        wrong: (answer) => whatIsWrong(name, answer, settings, schemes),
      });
    }
  } finally {
    questioner.close();
  }
  return settings;
}

function facilitatorFor(network: string | undefined): string {
  return network !== undefined && readAssetTable().find(network)?.testnet === true ? TEST_FACILITATOR : FACILITATOR;
}

/**
 * What `turnpike check` would say of a file that is sound but for this setting.
 *
 * @param known the other settings, as far as they are known: an address is one of the network
 */
function whatIsWrong(
  name: SettingName,
  value: string,
  { network = SOUND.network }: Partial<GatewaySettings>,
  schemes: readonly Scheme[],
): string | undefined {
  const settings = { ...SOUND, ...(name === 'payTo' && { network }), [name]: value };
  const probe = { ...PLAIN_ROUTE, method: '*', path: '/*', price: '$1' };
  const text = configText({ ...settings, origin: undefined, notes: [] }, [probe]);
  const loaded = checkText(text, 'gateway.yaml', schemes);
  if (loaded.ok) return undefined;
  const { key } = SETTINGS[name];
  // A network of another family than the address that stands in for yours: that is no fault of the network.
  const problems = loaded.problems.filter(({ keyPath }) => name === 'payTo' || !keyPath.startsWith('payTo'));
  const problem = problems.find((each) => each.keyPath.startsWith(key)) ?? problems[0];
  return problem === undefined ? undefined : `${problem.wrong}; right would be ${withoutYaml(problem.right)}`;
}

/** On a command line nothing has to be in the quotes of YAML. */
function withoutYaml(right: string): string {
  return right.replace(/, in quotes(?:;.*)?$/s, '');
}
