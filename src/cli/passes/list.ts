import { balanceText, describePass, describeUnreadablePass } from '../../admin/pass-entry.ts';
import { type Pass, passEnd } from '../../domain/pass.ts';
import type { Passes, PassPage, PassPlace, UnreadablePass } from '../../store/passes.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { addPlace, type BooksPlace, withBooks } from '../ledger/open-books.ts';
import { pagesOf } from '../ledger/pages.ts';
import { parseLimit, readPayer } from '../ledger/selection.ts';
import { minuteOf, shortened, Table } from '../ledger/table.ts';
import { Unreadable } from '../ledger/unreadable.ts';
import { notice } from '../terminal.ts';

interface PassesOptions extends BooksPlace {
  readonly payer?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

/** Adds `turnpike passes list`. */
export function addPassesList({ program, finish, ...world }: Cli, clock: () => number): void {
  addPlace(program.command('list').description('show passes, the newest first'))
    .option('--payer <account>', 'only of this account')
    .option('--limit <number>', 'at most so many', parseLimit)
    .option('--json', 'write each pass whole, as a line of JSON')
    .addHelpText('after', example('turnpike passes list --limit 20', 'turnpike passes list --json | jq -r .id'))
    .action(async (options: PassesOptions) => finish(await list(options, world, clock())));
}

async function list(options: PassesOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const { payer, limit } = options;
  const chosen = { limit, ...(payer !== undefined && { payer: readPayer(payer) }) };
  return await withBooks({ place: options, world }, async ({ books, name, out }) => {
    const table = new Table(['ID', 'OPENS', 'PAYER', 'LEFT', 'UNTIL (UTC)'], 'OPENS');
    const damaged = new Unreadable('pass', 'passes');
    let any = false;
    for await (const { passes, unreadable } of readPages(books.passes, chosen)) {
      any = true;
      damaged.add(unreadable.map(({ id, column }) => ({ key: id, column })));
      await out.lines(
        options.json === true
          ? [...passes.map((pass) => describePass(pass, now)), ...unreadable.map(describeUnreadablePass)].map((entry) =>
              JSON.stringify(entry),
            )
          : table.rows([...passes.map((pass) => cells(pass, now)), ...unreadable.map(damagedCells)]),
      );
    }
    if (!any) notice(terminal, `no such passes in ${name}`);
    if (damaged.notice !== undefined) notice(terminal, damaged.notice);
    return 0;
  });
}

async function* readPages(
  passes: Pick<Passes, 'listPasses'>,
  { payer, limit }: { readonly payer?: string; readonly limit: number | undefined },
): AsyncGenerator<PassPage> {
  const view = { order: 'newest first', ...(payer !== undefined && { payer }) } as const;
  const read = (after: PassPlace | undefined, rows: number): Promise<PassPage> => passes.listPasses(after, rows, view);
  for await (const page of pagesOf(read, { limit })) {
    if (page.passes.length + page.unreadable.length > 0) yield page;
  }
}

/** What is lent to a process is not spent yet. */
function leftOf({ quota, balance }: Pass): string {
  if (quota === undefined) return '';
  const [left, bought] = [quota.available + quota.lent, quota.bought];
  if (balance === undefined) return `${left} of ${bought}`;
  return `${balanceText(left, balance)} of ${balanceText(bought, balance)} ${balance.symbol}`;
}

function cells(pass: Pass, now: number): readonly string[] {
  const { id, scope, payer, expiresAt } = pass;
  const end = passEnd(pass, now);
  const until = expiresAt === undefined ? '' : minuteOf(expiresAt);
  return [id, scope, shortened(payer), leftOf(pass), end === undefined ? until : end.replace('_', ' ')];
}

function damagedCells({ id }: UnreadablePass): readonly string[] {
  return [id, '', '', '', 'unreadable'];
}
