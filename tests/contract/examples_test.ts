import assert from "node:assert/strict";
import { telefuser } from "../support/command_line.ts";
import { eventually, startTestServer } from "../support/test_server.ts";
import { connectViewer } from "../support/viewer.ts";
import { TempFolder } from "../unit/support/temp_folder.ts";

const PIPELINES = new URL("../../pipelines/", import.meta.url);
const NAMES = [...Deno.readDirSync(PIPELINES)].filter(({ isFile }) => isFile).map(({ name }) =>
  name.replace(/\.ts$/, "")
)
  .toSorted();

/** All files below a folder, relative to it. */
function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`).map((inside) => `${name}/${inside}`) : [name]
  ).toSorted();
}

Deno.test("examples lists every example in a line: name, mode, and what its own comment says", async () => {
  const { code, out, err } = await telefuser(["examples"]);
  assert.deepEqual([code, err], [0, ""]);
  const lines = out.split("\n");
  assert.deepEqual(lines.slice(0, NAMES.length).map((line) => line.split(/ {2,}/)), [
    [
      "arrow_overlay",
      "two-way",
      "A clip that goes round and round, with a D-pad on it that shows which arrow keys are held",
    ],
    ["camera_effects", "two-way", "A mirror with effects"],
    ["prompt_motion", "push", "Turns a prompt into moving type, shapes and tones"],
    ["video_replay", "push", "Replays a video file to every viewer, over and over"],
  ]);
  assert.deepEqual(lines.slice(NAMES.length), ["", "Copy one: telefuser examples arrow_overlay", ""]);
});

Deno.test("examples --json has each with its whole sentence and its files", async () => {
  const { code, out } = await telefuser(["examples", "--json"]);
  assert.equal(code, 0);
  const { examples } = JSON.parse(out);
  assert.deepEqual(examples.map(({ name }: { name: string }) => name), NAMES);
  const { mode, summary, files } = examples[1];
  assert.equal(mode, "bidirectional");
  assert.match(summary, /^A mirror with effects: shows .* as an echo$/);
  assert.deepEqual(files.slice(0, 2), ["camera_effects.ts", "camera_effects/bell.ts"]);
  assert.ok(
    files.includes("assets/bricolage_grotesque.ttf") && files.includes("assets/bricolage_grotesque.LICENSE.txt"),
  );
  assert.equal(examples[3].mode, "server_push");
  assert.deepEqual(examples[3].files, ["video_replay.ts"]);
});

for (const name of NAMES) {
  Deno.test(`${name}, copied, is the same, passes validate and is seen from there`, async () => {
    await using temp = await TempFolder.make();
    const { code, out, err } = await telefuser(["examples", name], { cwd: temp.path });
    assert.deepEqual([code, err], [0, ""]);
    const files = filesBelow(temp.at(name));
    assert.deepEqual(
      [...out.matchAll(/^wrote (.+)$/gm)].map(([, path]) => path).toSorted(),
      files.map((path) => `${name}/${path}`).toSorted(),
    );
    for (const path of files.filter((path) => !["deno.json", "telefuser.d.ts"].includes(path))) {
      assert.deepEqual(await Deno.readFile(temp.at(`${name}/${path}`)), await Deno.readFile(new URL(path, PIPELINES)));
    }
    const next = /telefuser stream-serve (\S+)/.exec(out)?.[1];
    assert.equal(next, `${name}/${name}.ts`);
    const checked = await telefuser(["validate", next], { cwd: temp.path });
    assert.equal(checked.code, 0, checked.out);
    await using server = await startTestServer(temp.at(next));
    await using viewer = await connectViewer(server.url, { channel: true });
    await eventually("pictures come", () => viewer.frames >= 5, 20_000);
  });
}

Deno.test("several examples go into one folder, and what they share is written once", async () => {
  await using temp = await TempFolder.make({ "mine/deno.json": "{}" });
  const first = await telefuser(["examples", "camera_effects", "mine/"], { cwd: temp.path });
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^wrote mine\/telefuser\.d\.ts$/m);
  assert.match(first.out, /^kept mine\/deno\.json, which was there already$/m);
  const second = await telefuser(["examples", "prompt_motion", "mine"], { cwd: temp.path });
  assert.equal(second.code, 0, second.err);
  assert.match(second.out, /^wrote mine\/prompt_motion\.ts$/m);
  assert.doesNotMatch(second.out, /wrote mine\/(?:assets|telefuser|deno)/);
  assert.equal(await Deno.readTextFile(temp.at("mine/deno.json")), "{}");
  const again = await telefuser(["examples", "prompt_motion", "mine"], { cwd: temp.path });
  assert.equal(again.code, 0);
  assert.doesNotMatch(again.out, /wrote/);
});

Deno.test("nothing is written when something else is in the way", async () => {
  const ways: [string, (temp: TempFolder) => Promise<unknown>][] = [
    ["camera_effects.ts", (temp) => temp.write("here/camera_effects.ts", "mine")],
    ["camera_effects/echo.ts", (temp) => temp.write("here/camera_effects/echo.ts", "mine")],
    ["camera_effects/bell.ts", (temp) => temp.write("here/camera_effects", "a file")],
    ["camera_effects.ts", async (temp) => {
      await Deno.mkdir(temp.at("here"));
      await Deno.symlink(temp.at("nowhere"), temp.at("here/camera_effects.ts"));
    }],
  ];
  for (const [path, put] of ways) {
    await using temp = await TempFolder.make();
    await put(temp);
    const { code, out, err } = await telefuser(["examples", "camera_effects", "here"], { cwd: temp.path });
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(
      err,
      `telefuser: here/${path} is there already, with other content; nothing was written; ` +
        "give another folder: telefuser examples camera_effects camera_effects_2\n",
    );
    assert.equal(filesBelow(temp.path).length, 1);
  }
});

Deno.test("what examples cannot do exits with 2 and one line that says what to type", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["film"],
      /no example "film"; type: telefuser examples arrow_overlay \| camera_effects \| prompt_motion \| video_/,
    ],
    [["../server"], /no example "\.\.\/server"/],
    [["video_replay", "x", "--json"], /--json goes with the list/],
    [["video_replay", ""], /the folder has no name/],
    [["video_replay", "a", "b"], /too many arguments/],
  ];
  await Promise.all(cases.map(async ([args, words]) => {
    const { code, out, err } = await telefuser(["examples", ...args]);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.equal(err.trimEnd().split("\n").length, 1, err);
    assert.match(err, words);
  }));
});
