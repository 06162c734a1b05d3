/**
 * What the scripts offer, in the real shells: bash, zsh and fish (Debian packages of these names).
 *
 * @module
 */

import assert from "node:assert/strict";
import { telefuser } from "../support/command_line.ts";
import { TempFolder } from "../unit/support/temp_folder.ts";

const PROBE = new URL("../support/completion/probe.zsh", import.meta.url).pathname;
const COMMANDS = ["completion", "demo", "doctor", "examples", "health", "licenses", "new", "stream-serve", "validate"];
const EXAMPLES = ["arrow_overlay", "camera_effects", "prompt_motion", "video_replay"];
const LEVELS = ["permissive", "standard", "strict"];

/** What is offered after a line, sorted; of files those of the folder that the shell is in. */
const OFFERS: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["telefuser ", COMMANDS],
  ["telefuser d", ["demo", "doctor"]],
  ["telefuser nothing ", []],
  ["telefuser --v", ["--version"]],
  ["telefuser stream-serve --security-level ", LEVELS],
  ["telefuser validate --json --security-level st", ["standard", "strict"]],
  ["telefuser stream-serve --webrtc-video-codec ", ["H264", "VP8"]],
  ["telefuser stream-serve --port ", []],
  ["telefuser stream-serve --webrtc-max", ["--webrtc-max-sessions"]],
  ["telefuser health --sec", []],
  ["telefuser demo ", ["arrow", "bidirectional", "player"]],
  ["telefuser demo --server-url http://h:80 a", ["arrow"]],
  ["telefuser demo -p 80 --no-open b", ["bidirectional"]],
  ["telefuser new ", []],
  ["telefuser examples ", EXAMPLES],
  ["telefuser examples --json v", ["video_replay"]],
  ["telefuser completion ", ["bash", "fish", "zsh"]],
];

/** Lines that TAB completes, and what they become; it is all the same whether a space follows. */
const FILES: readonly (readonly [line: string, completed: string])[] = [
  ["telefuser stream-serve wav", "telefuser stream-serve waves.ts"],
  ["telefuser validate --security-level strict wav", "telefuser validate --security-level strict waves.ts"],
  ["telefuser stream-serve --media rip", "telefuser stream-serve --media ripples.mp4"],
  ["telefuser stream-serve --media=rip", "telefuser stream-serve --media=ripples.mp4"],
  ["telefuser stream-serve -p 5 wav", "telefuser stream-serve -p 5 waves.ts"],
  ["telefuser examples video_replay cli", "telefuser examples video_replay clips/"],
  ["telefuser examples video_replay wav", "telefuser examples video_replay wav"],
  ["telefuser health --port wav", "telefuser health --port wav"],
  ["telefuser demo player wav", "telefuser demo player wav"],
];

/** A folder with things in it to be completed, and the script of a shell. */
async function prepare(shell: string, name: string): Promise<{ folder: TempFolder; script: string }> {
  const folder = await TempFolder.make({ "in/waves.ts": "", "in/ripples.mp4": "", "in/clips/a": "", "probe/x": "" });
  const { code, out, err } = await telefuser(["completion", shell]);
  assert.deepEqual([code, err], [0, ""]);
  return { folder, script: await folder.write(`script/${name}`, out) };
}

async function output(program: string, { args, cwd }: { args: readonly string[]; cwd: string }): Promise<string> {
  // No program of that name is there: whatever is offered comes from the script.
  const env = { PATH: "/usr/bin:/bin", HOME: cwd, LANG: "C.UTF-8", TERM: "dumb" };
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd, env, clearEnv: true })
    .output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Presses TAB after each line, in a shell with a terminal. */
async function probe(
  shell: "bash" | "zsh",
  { script, folder, lines }: { script: string; folder: TempFolder; lines: readonly string[] },
): Promise<{ line: string; offered: string[]; left: string }[]> {
  const args = ["-f", PROBE, shell, script, folder.at("probe"), ...lines];
  const text = await output("/usr/bin/zsh", { args, cwd: folder.at("in") });
  return text.split(/^= /m).slice(1).map((part) => {
    const [line = "", ...rest] = part.trimEnd().split("\n");
    const left = rest.pop()?.replace(/^> /, "").trimEnd() ?? "";
    return { line, offered: rest.toSorted(), left };
  });
}

for (const [shell, name] of [["bash", "telefuser"], ["zsh", "telefuser.zsh"], ["zsh", "_telefuser"]] as const) {
  Deno.test(`${shell} offers commands, flags and choices, and completes files where they belong (${name})`, async () => {
    const { folder, script } = await prepare(shell, name);
    await using _folder = folder;
    // zsh offers flags where there is nothing else, and those are not what this is about.
    const offers = OFFERS.filter(([line]) => shell === "bash" || !/telefuser (?:new|nothing) $/.test(line));
    const lines = [...offers.map(([line]) => line), ...FILES.map(([line]) => line)];
    const probed = await probe(shell, { script, folder, lines });
    assert.deepEqual(
      probed.slice(0, offers.length).map(({ line, offered }) => [line.trimEnd(), offered]),
      offers.map(([line, offered]) => [line.trimEnd(), offered]),
    );
    assert.deepEqual(probed.slice(offers.length).map(({ left }) => left), FILES.map(([, completed]) => completed));
  });
}

Deno.test("bash and zsh complete the value of a flag after =", async () => {
  for (const shell of ["bash", "zsh"] as const) {
    const { folder, script } = await prepare(shell, "telefuser");
    await using _folder = folder;
    const lines = ["telefuser stream-serve --isolation=p", "telefuser stream-serve --security-level=st"];
    const [isolation, level] = await probe(shell, { script, folder, lines });
    assert.equal(isolation?.left, "telefuser stream-serve --isolation=process");
    assert.deepEqual(level?.offered, ["standard", "strict"]);
  }
});

Deno.test("fish offers commands, flags and choices, and completes files where they belong", async () => {
  const { folder, script } = await prepare("fish", "telefuser.fish");
  await using _folder = folder;
  async function offered(line: string): Promise<string[]> {
    const args = ["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script, line];
    const text = await output("/usr/bin/fish", { args, cwd: folder.at("in") });
    return text.split("\n").filter((one) => one !== "").map((one) => one.split("\t")[0] ?? "").toSorted();
  }
  for (const [line, wanted] of OFFERS) assert.deepEqual(await offered(line), wanted, line);
  for (const [line, completed] of FILES) {
    const word = completed.split(" ").at(-1) ?? "";
    // Where nothing completes, nothing is offered.
    assert.deepEqual(await offered(line), line === completed ? [] : [word], line);
  }
  const level = (await offered("telefuser stream-serve --security-level=st")).map((one) => one.split("=")[1]);
  assert.deepEqual(level, ["standard", "strict"]);
});

Deno.test("every flag and command of the program is in every script, and no program is started by one", async () => {
  const { out: help } = await telefuser(["stream-serve", "--help"]);
  const flags = [...help.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, flag]) => flag ?? "");
  assert.ok(flags.length > 40, `${flags.length} flags`);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out } = await telefuser(["completion", shell]);
    for (const name of [...flags, ...COMMANDS]) {
      assert.ok(new RegExp(`(?:--|-l |[ '":])${name}\\b`).test(out), `${name} is not in the script for ${shell}`);
    }
    assert.doesNotMatch(out, /\$\(telefuser|`|\(telefuser/);
  }
});

Deno.test("a shell that is not known is refused with 2, and so is none", async () => {
  const unknown = await telefuser(["completion", "csh"]);
  assert.deepEqual([unknown.code, unknown.out], [2, ""]);
  assert.match(unknown.err, /^telefuser: .*'csh' is invalid .* choices are bash, zsh, fish[^\n]*\n$/);
  const none = await telefuser(["completion"]);
  assert.deepEqual([none.code, none.out], [2, ""]);
  assert.match(none.err, /type: telefuser completion bash\n$/);
});
