import assert from "node:assert/strict";
import { Argument, Command, Option } from "commander";
import { bashScript } from "../../../src/cli/completion/bash.ts";
import { fishScript } from "../../../src/cli/completion/fish.ts";
import { shapeOf } from "../../../src/cli/completion/shape.ts";
import { zshScript } from "../../../src/cli/completion/zsh.ts";

function sample(): Command {
  const program = new Command("boat").helpOption("-h, --help", "print help").helpCommand(false).option(
    "--version",
    "v",
  );
  program.command("sail").description("Go out: with [wind] and Ann's \\ map.")
    .argument("<file>", "a map")
    .addArgument(new Argument("[sea]", "where").choices(["north", "south"]))
    .argument("[folder]", "logs")
    .option("-s, --speed <knots>", "how fast [default 5; BOAT_SPEED]")
    .option("--rig <gaff|lug>", "how it is rigged, [Ann's] way")
    .addOption(new Option("--buoy <files>", "buoys").argParser((text: string) => text))
    .addOption(new Option("--secret", "not shown").hideHelp())
    .option("--no-anchor", "leave it");
  program.command("ghost", { hidden: true }).description("not shown");
  return program;
}

Deno.test("the shape of a program is what its help shows", () => {
  const { name, flags, commands } = shapeOf(sample());
  assert.equal(name, "boat");
  assert.deepEqual(flags.map(({ names }) => names), [["--version"], ["-h", "--help"]]);
  assert.deepEqual(commands.map((command) => command.name), ["sail"]);
  const [sail] = commands;
  assert.deepEqual(sail?.values, [
    { kind: "files", name: "file" },
    { kind: "words", name: "sea", words: ["north", "south"] },
    { kind: "folders", name: "folder" },
  ]);
  assert.deepEqual(sail?.flags.map(({ names, value, isRepeatable }) => [names.join(" "), value?.kind, isRepeatable]), [
    ["-s --speed", "any", false],
    ["--rig", "words", false],
    ["--buoy", "files", true],
    ["--no-anchor", undefined, false],
    ["-h --help", undefined, false],
  ]);
  assert.equal(sail?.flags[0]?.summary, "how fast");
});

Deno.test("words of a description do no harm in a script", () => {
  const shape = shapeOf(sample());
  const zsh = zshScript(shape);
  assert.ok(zsh.includes(`'sail:Go out\\: with [wind] and Ann'\\''s \\ map'`), zsh);
  assert.ok(zsh.includes(`'--rig=[how it is rigged, \\[Ann'\\''s\\] way]:choice:(gaff lug)'`), zsh);
  assert.ok(zsh.includes(`'(-s --speed)'{-s+,--speed=}'[how fast]:knots: '`), zsh);
  assert.ok(zsh.includes(`'*--buoy=[buoys]:files:_files'`), zsh);
  const fish = fishScript(shape);
  assert.ok(fish.includes(`-a sail -d 'Go out: with [wind] and Ann\\'s \\\\ map'`), fish);
  assert.ok(fish.includes(`-l rig -x -a 'gaff lug' -d 'how it is rigged, [Ann\\'s] way'`), fish);
  assert.ok(bashScript(shape).includes(`"sail --rig") kind=words choices="gaff lug" ;;`));
});
