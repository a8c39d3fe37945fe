import { Argument, Command } from "commander";
import { print } from "../terminal/output.js";

const shells = ["bash", "zsh", "fish"] as const;

/** `tapedeck completion SHELL`: prints the script with which a shell completes commands and options. */
export function completionCommand(): Command {
  return new Command("completion")
    .description("print a completion script: source <(tapedeck completion bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: string, _options: object, command: Command) => {
      const program = command.parent ?? command;
      print(...(shell === "fish" ? fish(program) : bash(program, shell === "zsh")).split("\n"));
    });
}

/** Words that may follow a command: its subcommands, the values of its arguments, and its options. */
function wordsOf(command: Command): string[] {
  const options = command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []);
  const accepted = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  return [...command.commands.map((each) => each.name()), ...accepted, ...options, "--help"];
}

/** Every command path, such as `tapedeck sessions list`, with the words that may follow. */
function paths(command: Command, before = ""): [path: string, words: string[]][] {
  const path = `${before} ${command.name()}`.trim();
  return [[path, wordsOf(command)], ...command.commands.flatMap((each) => paths(each, path))];
}

/** A word extends the path if it names a command; other words are option values, ids and files. */
function bash(program: Command, zsh: boolean): string {
  const found = paths(program);
  const cases = found.map(([path, words]) => `    "${path}") words="${words.join(" ")}" ;;`).join("\n");
  const known = found.map(([path]) => `"${path}"`).join("|");
  return `${zsh ? "autoload -U +X bashcompinit && bashcompinit\n" : ""}_tapedeck() {
  local word path="tapedeck" words="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in ${known}) path="$path $word" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _tapedeck tapedeck`;
}

function fish(program: Command): string {
  return paths(program)
    .flatMap(([path, words]) => {
      const seen = path.split(" ").slice(1);
      const condition =
        seen.length === 0 ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${seen.at(-1) ?? ""}`;
      return words.map((word) =>
        word.startsWith("--")
          ? `complete -c tapedeck -n '${condition}' -l ${word.slice(2)}`
          : `complete -c tapedeck -n '${condition}' -a ${word}`,
      );
    })
    .join("\n");
}
