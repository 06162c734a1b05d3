import assert from "node:assert/strict";
import { baseOptions } from "../../../static/demo-config.js";

const none = new URLSearchParams();

Deno.test("without options of the server everything has its default", () => {
  for (const config of [{}, null, "x", [], { server_url: 3, fps: "soon", ice_servers: {}, prompt: null }]) {
    assert.deepEqual(baseOptions(config, none, "http:"), { serverUrl: "" });
  }
});

Deno.test("the server's options become those of the client", () => {
  const ice_servers = [{ urls: "turn:127.0.0.1:3478", username: "u", credential: "p" }];
  const config = {
    server_url: "https://stream.test",
    ice_servers,
    ice_transport_policy: "relay",
    ice_gather_timeout_ms: 500,
    prompt: "storm",
    fps: 30,
  };
  assert.deepEqual(baseOptions(config, none, "http:"), {
    serverUrl: "https://stream.test",
    iceServers: ice_servers,
    iceTransportPolicy: "relay",
    iceGatherTimeoutMs: 500,
    prompt: "storm",
    fps: 30,
  });
});

Deno.test("the page's address wins over the server's options", () => {
  const query = new URLSearchParams(
    "server=10.0.0.7:8000&prompt=calm&fps=12&turn=turn:a,turn:b&turn_username=u&turn_credential=p&relay=1&gather_ms=9",
  );
  const config = { server_url: "https://stream.test", ice_servers: [], prompt: "storm", fps: 30 };
  assert.deepEqual(baseOptions(config, query, "http:"), {
    serverUrl: "http://10.0.0.7:8000",
    iceServers: [{ urls: ["turn:a", "turn:b"], username: "u", credential: "p" }],
    iceTransportPolicy: "relay",
    iceGatherTimeoutMs: 9,
    prompt: "calm",
    fps: 12,
  });
});
