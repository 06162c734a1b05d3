import assert from "node:assert/strict";
import { VideoDecoder } from "../../src/codec/mod.ts";
import { depacketizeH264, FrameAssembler } from "../../src/rtp/mod.ts";
import { VERSION } from "../../src/version.ts";
import { freePort } from "../support/free_port.ts";
import { eventually } from "../support/test_server.ts";
import { connectViewer, type Viewer } from "../support/viewer.ts";
import { type Form, formsText, formsThere, type Machine, makeMachine } from "./executable.ts";

/** Bytes that the packaged file may have. */
const MAX_PACKAGED = 180e6;
/** Milliseconds until health must answer on the very first start; how long it takes on a quiet machine is printed. */
const MAX_COLD = 30_000;

const ROOT = new URL("../../", import.meta.url).pathname;
const forms = formsThere();
console.log(formsText(forms));

Deno.test("there is an executable to test", () => {
  assert.notDeepEqual(forms, [], "run: deno task package");
});

/** Where the executables of all tests are unpacked but of those that are about that. */
const cache = await Deno.makeTempDir({ prefix: "telefuser-" });
Deno.test.afterAll(() => Deno.remove(cache, { recursive: true }));

for (const form of forms) {
  const on = (options: { cache?: string }) => (name: string, fn: (machine: Machine) => Promise<void>) =>
    Deno.test(`${form.name}: ${name}`, async () => {
      await using machine = await makeMachine(form, options);
      await fn(machine);
    });
  const test = on({ cache });
  const testFirstStart = on({});

  test("--version says what is inside", async (machine) => {
    const { code, out, err } = await machine.run(["--version"]);
    assert.equal(code, 0, err);
    assert.equal(err, "");
    const lines = new Map(out.trimEnd().split("\n").map((line) => line.split(/\s+(.*)/, 2) as [string, string]));
    assert.equal(lines.get("telefuser"), VERSION);
    assert.match(lines.get("commit") ?? "", /^[0-9a-f]{40}(\+changes)?$/);
    assert.equal(lines.get("form"), form.name);
    assert.match(lines.get("Deno") ?? "", new RegExp(`^${Deno.version.deno.replaceAll(".", "\\.")} `));
    assert.match(lines.get("FFmpeg") ?? "", /^\d+\.\d+/);
    assert.equal(lines.get("codecs"), "H264 (libx264), VP8 (libvpx), Opus (libopus)");
  });

  test("licenses lists what is inside, and the texts are there", async (machine) => {
    const { code, out, err } = await machine.run(["licenses"]);
    assert.equal(code, 0, err);
    assert.match(out, /^node-av 6/m);
    const folder = /^The texts of the licences: (.+)$/m.exec(out)?.[1];
    assert.ok(folder !== undefined, out);
    if (form.name === "packaged") {
      assert.match(await Deno.readTextFile(`${folder}texts/GPL-3.0-or-later.txt`), /GNU GENERAL/);
    }
  });

  test("a command line that cannot be read exits with 2", async (machine) => {
    const { code, err } = await machine.run(["stream-srve", "x.ts"]);
    assert.equal(code, 2);
    assert.match(err, /unknown command 'stream-srve'/);
  });

  test("validate judges a pipeline elsewhere and what it imports", async (machine) => {
    const pipeline = await copyOutside(machine);
    const fine = await machine.run(["validate", pipeline]);
    assert.equal(fine.code, 0, fine.out + fine.err);
    await Deno.writeTextFile(pipeline.replace("red_card", "drawing/card"), "export const drawCard = Deno.readFile;\n");
    const faulty = await machine.run(["validate", pipeline, "--json"]);
    assert.equal(faulty.code, 1, faulty.out);
    assert.match(JSON.parse(faulty.out).findings[0].file, /drawing\/card\.ts$/);
  });

  for (const isolation of ["worker", "process"]) {
    test(`a pipeline elsewhere with a module and drawings of its own is seen, in a ${isolation}`, async (machine) => {
      const pipeline = await copyOutside(machine);
      await using server = await machine.serve([pipeline, "--isolation", isolation]);
      const children = await childrenOf(server.pid);
      assert.equal(children.length, isolation === "process" ? 1 : 0);
      const viewer = await connectViewer(server.url, { codecs: ["H264"] });
      await eventually("pictures come", () => viewer.frames >= 10, 20_000);
      await viewer.peer.close();
      const [red, green, blue] = await colourOf(viewer);
      assert.ok(near(red, 200) && near(green, 40) && near(blue, 64), `${red}, ${green}, ${blue}`);
      assert.equal(await server.stop(), 0);
    });
  }

  test("an example pipeline copied elsewhere finds the clip inside, and doctor sees pictures and sound", async (machine) => {
    const pipeline = `${machine.home}/video_replay.ts`;
    await Deno.copyFile(`${ROOT}pipelines/video_replay.ts`, pipeline);
    await using server = await machine.serve([pipeline]);
    const { code, out, err } = await machine.run(["doctor", "--server-url", server.url]);
    assert.equal(code, 0, out + err);
    assert.match(out, /^ok {4}media: \d+ pictures in H264 \([1-9]\d* packets\) and [1-9]\d* packets of sound came$/m);
    const page = await fetch(`${server.url}/demo/player`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<video/);
    const script = await fetch(`${server.url}/static/player.js`);
    await script.body?.cancel();
    assert.equal(script.status, 200);
  });

  test("new writes a pipeline that passes validate and is seen", async (machine) => {
    for (const flags of [[], ["--two-way"]]) {
      const name = `waves${flags.length}`;
      const written = await runIn(machine.home, { form, machine, args: ["new", name, ...flags] });
      assert.equal(written.code, 0, written.err);
      const pipeline = `${machine.home}/${name}/pipeline.ts`;
      assert.equal(((await Deno.stat(pipeline)).mode ?? 0) & 0o777, 0o666 & ~Deno.umask());
      const checked = await machine.run(["validate", pipeline]);
      assert.equal(checked.code, 0, checked.out + checked.err);
      await using server = await machine.serve([pipeline]);
      const viewer = await connectViewer(server.url, { codecs: ["H264"], channel: flags.length > 0 });
      await eventually("pictures come", () => viewer.frames >= 10, 20_000);
      await viewer.peer.close();
      const health = await machine.run(["health", "--server-url", server.url]);
      assert.deepEqual(health, { code: 0, out: `${server.url}: healthy\n`, err: "" });
    }
  });

  test("examples copies one that runs elsewhere", async (machine) => {
    const copied = await runIn(machine.home, { form, machine, args: ["examples", "video_replay", "films"] });
    assert.equal(copied.code, 0, copied.err);
    assert.match(copied.out, /telefuser stream-serve films\/video_replay\.ts/);
    await using server = await machine.serve([`${machine.home}/films/video_replay.ts`]);
    const viewer = await connectViewer(server.url, { codecs: ["H264"] });
    await eventually("pictures come", () => viewer.frames >= 10, 20_000);
    await viewer.peer.close();
  });

  test("demo serves its page", async (machine) => {
    const port = freePort();
    const child = new Deno.Command(form.path, {
      args: ["demo", "player", "--no-open", "--port", `${port}`],
      env: machine.env,
      clearEnv: true,
      cwd: "/",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("/demo/player")) {
      const { value, done } = await reader.read();
      assert.ok(!done, text);
      text += value;
    }
    const page = await fetch(`http://127.0.0.1:${port}/demo/player`);
    await page.body?.cancel();
    assert.equal(page.status, 200);
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 0);
    await reader.cancel();
  });

  testFirstStart("ten first starts at once all come up", async (machine) => {
    const runs = await Promise.all(Array.from({ length: 10 }, () => machine.run(["--version"])));
    for (const { code, out, err } of runs) {
      assert.equal(code, 0, err);
      assert.match(out, /^telefuser /);
    }
    if (form.name === "packaged") assert.equal(unpackedIn(machine).length, 1);
  });

  testFirstStart("a start that is killed half-way is made good by the next one", async (machine) => {
    const { env } = machine;
    const child = new Deno.Command(form.path, { args: ["--version"], env, clearEnv: true, stdout: "null" }).spawn();
    if (form.name === "packaged") {
      await eventually("it unpacks", () => unpackedIn(machine).some((name) => name.startsWith(".new-")));
    }
    child.kill("SIGKILL");
    await child.status;
    const { code, err } = await machine.run(["--version"]);
    assert.equal(code, 0, err);
  });

  testFirstStart("a home that nobody can write to is no hindrance", async (machine) => {
    const { code, stderr } = await new Deno.Command(form.path, {
      args: ["--version"],
      env: { ...machine.env, HOME: "/proc" },
      clearEnv: true,
      stdout: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  });

  test("settings of Deno or npm that lie about in the home are nothing to it", async (machine) => {
    await Deno.writeTextFile(
      `${machine.home}/deno.json`,
      '{ "workspace": ["./other"], "imports": { "hono": "./x.ts" } }',
    );
    await Deno.writeTextFile(`${machine.home}/package.json`, '{ "dependencies": { "commander": "1.0.0" } }');
    const { code, out, err } = await machine.run(["--version"]);
    assert.equal(code, 0, err);
    assert.equal(err, "");
    assert.match(out, /^telefuser /);
  });

  testFirstStart("health answers soon, on the very first start and later", async (machine) => {
    const pipeline = await copyOutside(machine);
    const cold = await machine.serve([pipeline]);
    assert.equal(await cold.stop(), 0);
    const warm = await machine.serve([pipeline]);
    assert.equal(await warm.stop(), 0);
    const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
    console.log(`${form.name}: first start ${seconds(cold.healthyAfter)}, later ${seconds(warm.healthyAfter)}`);
    assert.ok(cold.healthyAfter < MAX_COLD, `the first start took ${seconds(cold.healthyAfter)}`);
  });
}

Deno.test("the packaged file is small enough", { ignore: !forms.some(({ name }) => name === "packaged") }, () => {
  const packaged = forms.find(({ name }) => name === "packaged");
  assert.ok(packaged !== undefined && packaged.bytes <= MAX_PACKAGED, `${packaged?.bytes} bytes`);
});

/** Runs a command in a folder. */
async function runIn(
  cwd: string,
  { form, machine: { env }, args }: { form: Form; machine: Machine; args: readonly string[] },
): Promise<{ code: number; out: string; err: string }> {
  const command = new Deno.Command(form.path, { args: [...args], cwd, env: { ...env }, clearEnv: true });
  const { code, stdout, stderr } = await command.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Copies the pipeline with its module into the machine's home; returns its path. */
async function copyOutside({ home }: Machine): Promise<string> {
  await Deno.mkdir(`${home}/pipelines/drawing`, { recursive: true });
  for (const name of ["red_card.ts", "drawing/card.ts"]) {
    await Deno.copyFile(new URL(`outside/${name}`, import.meta.url), `${home}/pipelines/${name}`);
  }
  return `${home}/pipelines/red_card.ts`;
}

function unpackedIn({ home }: Machine): string[] {
  try {
    return [...Deno.readDirSync(`${home}/.cache/telefuser`)].map(({ name }) => name).filter((name) =>
      !name.startsWith(".lock-")
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function childrenOf(pid: number): Promise<string[]> {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  // A thread may end meanwhile.
  const listOf = (task: string) => Deno.readTextFile(`/proc/${pid}/task/${task}/children`).catch(ignoreMissing);
  const lists = await Promise.all(tasks.map(({ name }) => listOf(name)));
  return lists.join(" ").split(/\s+/).filter((child) => child !== "");
}

function ignoreMissing(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "";
  throw error;
}

/** Mean colour of the lower half of the last picture that a viewer got. */
async function colourOf({ video }: Viewer): Promise<[number, number, number]> {
  const assembler = new FrameAssembler(depacketizeH264);
  const decoder = new VideoDecoder({ codec: "H264", format: { format: "rgba", width: undefined, height: undefined } });
  for (const packet of video) {
    for (const { data } of assembler.add(packet, packet.at / 1000)) await decoder.decode(data);
  }
  const { data, width, height } = await decoder.picture();
  await decoder.close();
  assert.deepEqual([width, height], [320, 180]);
  const lower = data.subarray(data.length / 2);
  const mean = (channel: number) =>
    lower.reduce((sum, value, index) => index % 4 === channel ? sum + value : sum, 0) / (lower.length / 4);
  return [mean(0), mean(1), mean(2)];
}

function near(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) < 12;
}
