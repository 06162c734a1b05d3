import { Argument, type Command } from "commander";
import { print } from "../log.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { type ProgramShape, shapeOf } from "./completion/shape.ts";
import { zshScript } from "./completion/zsh.ts";

const SHELLS: ReadonlyMap<string, (shape: ProgramShape) => string> = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);

const NOTES = `
Put what it prints where the shell looks for it, and open a new shell:
  bash   mkdir -p ~/.local/share/bash-completion/completions
         telefuser completion bash > ~/.local/share/bash-completion/completions/telefuser
         without the package bash-completion: source such a file in ~/.bashrc
  zsh    telefuser completion zsh > _telefuser, in a folder of $fpath
  fish   telefuser completion fish > ~/.config/fish/completions/telefuser.fish

Nothing is started while you type. After an update, print it again.`;

/** `telefuser completion <shell>`: prints a completion script, made from the program as it is. */
export function addCompletion(program: Command, exit: (code: number) => void): void {
  program.command("completion")
    .description("Print a completion script for a shell.")
    .addArgument(new Argument("<shell>", "the shell that reads it").choices([...SHELLS.keys()]))
    .allowExcessArguments(false)
    .addHelpText("after", NOTES)
    .action((shell: string) => {
      const script = SHELLS.get(shell)?.(shapeOf(program));
      if (script !== undefined) print(script.trimEnd());
      exit(0);
    });
}
