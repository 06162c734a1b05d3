import assert from "node:assert/strict";
import { eventually } from "../support/test_server.ts";
import { Listeners } from "./listeners.ts";

/** A worker in which the gaps are closed, with the network granted. */
const WORKER = `
import { closeGaps } from ${JSON.stringify(new URL("../../src/pipeline/worker_gaps.ts", import.meta.url).href)};
self.onmessage = async ({ data: t }) => {
  closeGaps();
  const { get } = await import("node:http");
  await new Promise((y, n) => get(t.http + "/by-http", (r) => r.resume().on("end", y)).on("error", n));
  const { connect } = await import("node:net");
  await new Promise((y, n) => connect(t.tcp, "127.0.0.1", function () { this.end("by-net", y); }).on("error", n));
  const tls = await import("node:tls");
  await new Promise((y) => {
    tls.connect({ host: "127.0.0.1", port: t.tcp, ALPNProtocols: ["by-tls"] }).on("error", y);
    setTimeout(y, 300);
  });
  const { createSocket } = await import("node:dgram");
  await new Promise((y, n) => {
    const socket = createSocket("udp4");
    socket.send("by-dgram", t.udp, "127.0.0.1", (e) => { socket.close(); e ? n(e) : y(); });
  });
  await (await fetch(t.http + "/by-fetch")).text();
  postMessage("done");
};
`;

/** A worker in which the gaps are closed, with one variable granted. */
const READER = `
import { closeGaps } from ${JSON.stringify(new URL("../../src/pipeline/worker_gaps.ts", import.meta.url).href)};
self.onmessage = async ({ data: name }) => {
  closeGaps();
  const { env } = await import("node:process");
  const ways = [
    () => Deno.env.set(name, "changed"),
    () => Deno.env.delete(name),
    () => process.env[name] = "changed",
    () => delete process.env[name],
    () => Object.assign(env, { [name]: "changed" }),
    () => Object.defineProperty(env, name, { value: "changed", writable: true, enumerable: true, configurable: true }),
  ];
  const refused = ways.filter((way) => {
    try {
      way();
      return false;
    } catch (error) {
      return /cannot set variables/.test(error.message);
    }
  });
  postMessage([Deno.env.get(name), process.env[name], refused.length]);
};
`;

Deno.test("a variable that is granted can be read, and not be changed for the server", async () => {
  const name = "GROUND_GRANTED";
  Deno.env.set(name, "as it was");
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(READER)}`, {
    type: "module",
    deno: { permissions: { read: true, env: [name] } },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(name);
  try {
    assert.deepEqual(await promise, ["as it was", "as it was", 6]);
    assert.equal(Deno.env.get(name), "as it was");
  } finally {
    worker.terminate();
    Deno.env.delete(name);
  }
});

Deno.test("what is granted still works where the gaps are closed: sockets, TLS, datagrams", async () => {
  const folder = await Deno.makeTempDir();
  await using listeners = await Listeners.open({ unix: `${folder}/listener.sock`, answer: "" });
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(WORKER)}`, {
    type: "module",
    deno: { permissions: { read: true, net: ["127.0.0.1", "0.0.0.0"] } },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ http: listeners.http, tcp: listeners.tcp, udp: listeners.udp });
  try {
    assert.equal(await promise, "done");
    for (const way of ["http", "net", "tls", "dgram", "fetch"]) {
      await eventually(`what went by ${way} has come`, () => listeners.hasReceived(`by-${way}`));
    }
  } finally {
    worker.terminate();
    await Deno.remove(folder, { recursive: true });
  }
});
