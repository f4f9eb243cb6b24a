import { options } from "#config/options.ts";
import { CliError, type Command } from "./command.ts";

/** `skerry completions bash|zsh|fish`: a script for the shell, made from the table of commands. */
export function completions(all: () => readonly Command[]): Command {
  return {
    name: "completions",
    operands: "bash|zsh|fish",
    summary: "print a completion script for your shell",
    flags: [],
    serverFlags: false,
    async run(invocation, terminal) {
      const make = { bash, zsh, fish }[invocation.operands[0] ?? ""];
      if (make === undefined)
        throw new CliError("which shell? skerry completions bash|zsh|fish", 2);
      terminal.out(make(all()));
      return 0;
    },
  };
}

function flagsOf(command: Command): string[] {
  const server = command.serverFlags
    ? Object.values(options).map((option) => option.flag)
    : ["endpoint"];
  return [...command.flags.map((flag) => flag.name), ...server, "json", "help"].map(
    (name) => `--${name}`,
  );
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) => `    ${command.name}) words="${flagsOf(command).join(" ")}" ;;`,
  );
  return `_skerry() {
  local words current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map((command) => command.name).join(" ")}"
  else case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _skerry skerry
`;
}

function zsh(commands: readonly Command[]): string {
  return `#compdef skerry\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c skerry -n __fish_use_subcommand -a ${command.name} -d '${command.summary.replaceAll("'", "")}'`,
    ...flagsOf(command).map(
      (flag) =>
        `complete -c skerry -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.slice(2)}`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}
