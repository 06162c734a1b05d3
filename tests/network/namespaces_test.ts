import assert from "node:assert/strict";
import { ADDRESSES, CANNOT_MAKE_NAMESPACES as ignore, Namespaces, type Place } from "../support/namespaces.ts";

/** Longest wait for a listener, in milliseconds. */
const LIMIT_MS = 5000;

/** Whether a TCP connection from one namespace to an address comes up. */
async function reaches(namespaces: Namespaces, from: Place, address: string): Promise<boolean> {
  const script = `try { (await Deno.connect({ hostname: "${address}", port: 7000 })).close() } catch { Deno.exit(3) }`;
  const { code, stderr } = await namespaces.run(from, ["timeout", "5", Deno.execPath(), "eval", script]);
  assert.ok(code === 0 || code === 3, `${code}: ${stderr}`);
  return code === 0;
}

/** Starts a program in a namespace that takes TCP connections, and waits until it does. */
async function listen(namespaces: Namespaces, place: Place): Promise<void> {
  const script =
    'const all = Deno.listen({ port: 7000 }); console.log("ready"); for await (const one of all) one.close();';
  const child = namespaces.start(place, [Deno.execPath(), "eval", script], { stdout: "piped", stdin: "null" });
  const reader = child.stdout.getReader();
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const { done } = await reader.read();
  clearTimeout(timer);
  await reader.cancel();
  assert.equal(done, false, "it listens");
}

Deno.test("left and right reach the middle, but not each other", { ignore }, async () => {
  await using namespaces = await Namespaces.make();
  for (const place of ["left", "middle", "right"] as const) await listen(namespaces, place);
  assert.equal(await reaches(namespaces, "left", ADDRESSES.middleLeft), true);
  assert.equal(await reaches(namespaces, "right", ADDRESSES.middleRight), true);
  assert.equal(await reaches(namespaces, "middle", ADDRESSES.left), true);
  assert.equal(await reaches(namespaces, "middle", ADDRESSES.right), true);
  assert.equal(await reaches(namespaces, "left", ADDRESSES.right), false);
  assert.equal(await reaches(namespaces, "right", ADDRESSES.left), false);
  assert.equal(await reaches(namespaces, "left", ADDRESSES.middleRight), false);
});

Deno.test("namespaces are gone with the test, and what ran in them too", { ignore }, async () => {
  let pid = 0;
  let name = "";
  {
    await using namespaces = await Namespaces.make();
    name = namespaces.name("middle");
    pid = namespaces.start("middle", ["sleep", "60"]).pid;
    const { stdout } = await namespaces.run("left", ["ip", "netns", "list"]);
    assert.ok(stdout.includes(name), stdout);
  }
  assert.throws(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
  assert.throws(() => Deno.statSync(`/run/netns/${name}`), Deno.errors.NotFound);
});
