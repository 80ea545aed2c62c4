import type { Command } from 'commander';
import { type Cli, example } from './cli.ts';
import { UsageError } from './exit.ts';

/** A command as a shell completes it. */
interface Completable {
  /** `check`, or `ledger list` for a command of a command. */
  readonly words: string;
  readonly description: string;
  /** Its commands and long options. */
  readonly next: readonly string[];
}

const SHELLS: Readonly<Record<string, (commands: readonly Completable[]) => string>> = { bash, zsh, fish };

/** Adds `turnpike completion`. */
export function addCompletion({ program, terminal, finish }: Cli): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print a script that completes commands and options in a shell')
    .addHelpText(
      'after',
      example(
        'turnpike completion bash > /etc/bash_completion.d/turnpike',
        'turnpike completion zsh > ~/.zfunc/_turnpike',
        'turnpike completion fish > ~/.config/fish/completions/turnpike.fish',
      ),
    )
    .action((shell: string) => {
      const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (write === undefined)
        throw new UsageError(`${JSON.stringify(shell)} is not known; right would be bash, zsh or fish`);
      terminal.stdout.write(write(completables(program)));
      finish(0);
    });
}

function completables(program: Command): readonly Completable[] {
  const below = (command: Command, words: readonly string[]): Completable[] => [
    {
      words: words.join(' '),
      description: command.description(),
      next: [
        ...command.commands.map((each) => each.name()),
        ...command.options.flatMap(({ long }) => long ?? []),
        '--help',
      ],
    },
    ...command.commands.flatMap((each) => below(each, [...words, each.name()])),
  ];
  return below(program, []);
}

function bash(commands: readonly Completable[]): string {
  const cases = commands.map(({ words, next }) => `    ${quoted(words)}) words=${quoted(next.join(' '))} ;;`);
  return `# bash completion of turnpike
_turnpike() {
  local current="\${COMP_WORDS[COMP_CWORD]}" given='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) given="\${given:+$given }$word" ;; esac
  done
  case "$given" in
${cases.join('\n')}
    *) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _turnpike turnpike
`;
}

function zsh(commands: readonly Completable[]): string {
  const cases = commands.map(({ words, next }) => `    ${quoted(words)}) compadd -- ${next.map(quoted).join(' ')} ;;`);
  return `#compdef turnpike
_turnpike() {
  local given='' word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) break ;; *) given="\${given:+$given }$word" ;; esac
  done
  case "$given" in
${cases.join('\n')}
    *) _files ;;
  esac
}
compdef _turnpike turnpike
`;
}

function fish(commands: readonly Completable[]): string {
  const [root, ...others] = commands;
  const top = (root?.next ?? []).filter((each) => !each.startsWith('-'));
  const described = new Map(others.map(({ words, description }) => [words, description]));
  const first = top.map((name) => {
    return `complete -c turnpike -f -n __fish_use_subcommand -a ${quoted(name)} -d ${quoted(described.get(name) ?? '')}`;
  });
  const rest = others.flatMap(({ words, next }) => {
    const seen = words
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    return next.map((each) => {
      const what = each.startsWith('--') ? `-l ${each.slice(2)}` : `-f -a ${each}`;
      return `complete -c turnpike -n ${quoted(seen)} ${what}`;
    });
  });
  return `# fish completion of turnpike\n${[...first, ...rest].join('\n')}\n`;
}

/** Within single quotes, in all three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
