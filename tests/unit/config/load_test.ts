import assert from "node:assert/strict";
import {
  type ConfigSources,
  type FlagValue,
  loadConfig,
  redactConfig,
  type SettingName,
} from "../../../src/config/mod.ts";
import { StreamError } from "../../../src/errors.ts";

type Flags = ConfigSources["flags"];

function load(flags: Flags = {}, variables: Readonly<Record<string, string>> = {}) {
  return loadConfig({ flags, env: (name) => variables[name] });
}

/** The lines of a refused configuration. */
function faultsOf(flags: Flags, variables: Readonly<Record<string, string>> = {}): string[] {
  try {
    load(flags, variables);
  } catch (error) {
    assert.ok(error instanceof StreamError && error.code === "invalid_config", String(error));
    return error.message.split("\n");
  }
  assert.fail(`accepted: ${JSON.stringify({ flags, variables })}`);
}

Deno.test("takes the flag over the variable over the default, and says which it took", () => {
  const variables = { TELEFUSER_PORT: "9000", TELEFUSER_HOST: "127.0.0.1" };
  const { config, sources } = load({ port: "9001" }, variables);
  assert.deepEqual([config.port, sources.port], [9001, "flag"]);
  assert.deepEqual([config.host, sources.host], ["127.0.0.1", "environment"]);
  assert.deepEqual([config.webrtcMaxSessions, sources.webrtcMaxSessions], [10, "default"]);
});

Deno.test("takes an empty variable for one that is not set, and an empty flag for an empty value", () => {
  const { config, sources } = load({ turnServer: "" }, { TELEFUSER_PORT: "", TELEFUSER_TURN_SERVER: "turn:a:1" });
  assert.deepEqual([config.port, sources.port], [8088, "default"]);
  assert.deepEqual([config.turnServer, sources.turnServer], [[], "flag"]);
});

Deno.test("has the defaults that are documented", () => {
  const { config, sources } = load();
  assert.deepEqual(new Set(Object.values(sources)), new Set(["default"]));
  assert.equal(config.port, 8088);
  assert.equal(config.host, "0.0.0.0");
  assert.equal(config.securityLevel, "strict");
  assert.equal(config.skipValidation, false);
  assert.equal(config.webrtcMaxSessions, 10);
  assert.equal(config.webrtcVideoCodec, "H264");
  assert.deepEqual(config.allowRead, []);
});

Deno.test("reports every fault at once, one line each, with the name the user typed", () => {
  const lines = faultsOf(
    { port: "x", webrtcMaxSessions: "101", securityLevel: "paranoid" },
    { TELEFUSER_WEBRTC_VIDEO_BITRATE: "fast", TELEFUSER_VERBOSE: "perhaps", TELEFUSER_PORT: "80" },
  );
  assert.equal(lines.length, 5);
  for (
    const [name, value] of [
      ["--port", '"x"'],
      ["--webrtc-max-sessions", '"101"'],
      ["--security-level", '"paranoid"'],
      ["TELEFUSER_WEBRTC_VIDEO_BITRATE", '"fast"'],
      ["TELEFUSER_VERBOSE", '"perhaps"'],
    ] as const
  ) {
    const line = lines.find((one) => one.startsWith(`${name}: `));
    assert.ok(line?.includes(value), `${name}: ${line}`);
  }
});

Deno.test("says what a setting takes", () => {
  assert.match(faultsOf({ port: "x" })[0] ?? "", /a whole number/);
  assert.match(faultsOf({ webrtcVideoBufferSeconds: "x" })[0] ?? "", /a number/);
  assert.match(faultsOf({ securityLevel: "x" })[0] ?? "", /one of strict, standard, permissive/);
  assert.match(faultsOf({}, { TELEFUSER_VERBOSE: "x" })[0] ?? "", /true or false/);
  assert.match(faultsOf({ stunServers: "[1" })[0] ?? "", /comma-separated list or a JSON array/);
  assert.match(faultsOf({ stunServers: "stun.example.org" })[0] ?? "", /must look like stun:host:port/);
  assert.match(faultsOf({ turnServer: "http://example.org" })[0] ?? "", /must look like turn:host:port/);
});

Deno.test("holds settings to their ranges, ends included", () => {
  const ranges: readonly [SettingName, readonly string[], readonly string[]][] = [
    ["webrtcMaxSessions", ["1", "100"], ["0", "101", "-1", "1.5", "1e1", "", "99999999999999999999"]],
    ["port", ["0", "65535"], ["-1", "65536", "8088x", "0x10"]],
    ["webrtcVideoBitrate", ["50000", "50000000"], ["49999", "50000001"]],
    ["webrtcVideoBufferSeconds", ["0.1", "10", "2.5"], ["0.09", "10.1", "NaN", "Infinity", "1,5"]],
    ["webrtcConnectTimeoutSeconds", ["1", "120"], ["0", "121"]],
    ["webrtcDisconnectedGraceSeconds", ["1", "120"], ["0.5", "121"]],
    ["maxBodyBytes", ["1024", "67108864"], ["1023", "67108865"]],
  ];
  for (const [name, good, bad] of ranges) {
    for (const text of good) assert.equal(load({ [name]: text }).config[name], Number(text), `${name} ${text}`);
    for (const text of bad) assert.equal(faultsOf({ [name]: text }).length, 1, `${name} ${text}`);
  }
});

Deno.test("takes hosts as Deno does, and refuses what would keep the worker from being started", () => {
  const good = [
    "h",
    "example.org",
    "example.org:443",
    "example.org.:65535",
    "EXAMPLE.org",
    "a_b.xn--mnchen-3ya.de",
    "*.example.org:8443",
    "192.0.2.7",
    "192.0.2.7:80",
    "10.0.0.0/8",
    "0.0.0.0/0:443",
    "[::1]",
    "[2001:db8::7]:443",
    "unix:/run/model.sock",
    "vsock:2:9000",
  ];
  for (const list of [good, good.toReversed(), ["[::1]"], ["[2001:db8::7]:443", "h"]]) {
    assert.deepEqual(load({ allowNet: list.join(",") }).config.allowNet, list);
  }
  const bad = [
    "example.org:99999",
    "example.org:65536",
    "example.org:0",
    "example.org:",
    "example.org:https",
    "example.org:80-90",
    "example.org:443:1",
    ":443",
    "*",
    "*:443",
    "*.",
    "x*",
    "a..b",
    "::1",
    "[::1",
    "[::1]x",
    "[example.org]",
    "[2001:db8::]/32",
    "10.0.0.0/33",
    "10.0.0.0/",
    "example.org/path",
    "https://example.org",
    "user@example.org",
    "exa mple",
    "münchen.de",
    "unix:run/model.sock",
    "vsock:2",
  ];
  for (const host of bad) {
    const [fault, ...others] = faultsOf({ allowNet: JSON.stringify([host]) });
    assert.equal(others.length, 0);
    assert.match(fault ?? "", /^--allow-net: .* does not fit: must look like example\.org/, host);
  }
});

Deno.test("does not call a number out of range no number", () => {
  assert.doesNotMatch(faultsOf({ webrtcMaxSessions: "101" })[0] ?? "", /"101" is not a whole number/);
  assert.match(faultsOf({ webrtcMaxSessions: "101" })[0] ?? "", /100/, "it names the bound");
});

Deno.test("refuses relays alone without a TURN server, by the name that was typed", () => {
  const words = "there is no TURN server to use; name one with --turn-server";
  assert.deepEqual(faultsOf({ relayOnly: true }), [`--relay-only: ${words}`]);
  assert.deepEqual(faultsOf({ port: "x" }, { TELEFUSER_RELAY_ONLY: "1" }).at(-1), `TELEFUSER_RELAY_ONLY: ${words}`);
  assert.equal(load({ relayOnly: true }, { TELEFUSER_TURN_SERVER: "turn:a.example.org" }).config.relayOnly, true);
  assert.equal(faultsOf({ relayOnly: true, turnServer: "a.example.org" }).length, 1, "the fault is the server's");
});

Deno.test("takes choices in any case and gives them as they are meant", () => {
  for (const [text, level] of [["STRICT", "strict"], ["Standard", "standard"], ["permissive", "permissive"]] as const) {
    assert.equal(load({ securityLevel: text }).config.securityLevel, level);
    assert.equal(load({}, { TELEFUSER_SECURITY_LEVEL: text }).config.securityLevel, level);
  }
  assert.equal(load({ webrtcVideoCodec: "vp8" }).config.webrtcVideoCodec, "VP8");
  assert.equal(load({ encoderEffort: "QUALITY" }).config.encoderEffort, "quality");
});

Deno.test("takes switches bare and in words", () => {
  assert.equal(load({ verbose: true }).config.verbose, true);
  for (const text of ["1", "true", "TRUE", "yes", "on"]) {
    assert.equal(load({}, { TELEFUSER_VERBOSE: text }).config.verbose, true, text);
  }
  for (const text of ["0", "false", "no", "Off"]) {
    assert.equal(load({}, { TELEFUSER_VERBOSE: text }).config.verbose, false, text);
  }
});

Deno.test("takes lists with commas, as JSON arrays and as repeated flags", () => {
  const two = ["stun:a.example.org:3478", "stun:b.example.org"];
  const cases: readonly FlagValue[] = [
    "stun:a.example.org:3478,stun:b.example.org",
    " stun:a.example.org:3478 , stun:b.example.org ,",
    '["stun:a.example.org:3478", "stun:b.example.org"]',
    two,
    ["stun:a.example.org:3478,stun:b.example.org"],
    ['["stun:a.example.org:3478"]', "stun:b.example.org"],
  ];
  for (const given of cases) {
    assert.deepEqual(load({ stunServers: given }).config.stunServers, two, JSON.stringify(given));
  }
  assert.deepEqual(load({}, { TELEFUSER_STUN_SERVERS: '["stun:a:1"]' }).config.stunServers, ["stun:a:1"]);
  assert.deepEqual(load({ stunServers: "[]" }).config.stunServers, []);
  assert.deepEqual(load({ allowRead: ['["/a,b"]', "/c"] }).config.allowRead, ["/a,b", "/c"]);
});

Deno.test("refuses lists of anything but texts", () => {
  for (const given of ["[1]", '["stun:a:1", null]', '{"0": "stun:a:1"}', '[["stun:a:1"]]', '["stun:a:1"', '[""]']) {
    assert.equal(faultsOf({ stunServers: given }).length, 1, given);
  }
});

Deno.test("refuses values of the wrong shape for a flag", () => {
  const wrong: readonly [SettingName, FlagValue][] = [
    ["port", ["1", "2"]],
    ["port", true],
    ["host", true],
    ["verbose", ["true"]],
    ["media", true],
  ];
  for (const [name, given] of wrong) assert.equal(faultsOf({ [name]: given }).length, 1, `${name} ${String(given)}`);
});

Deno.test("never repeats a secret, neither in an error nor where configuration is printed", () => {
  const secret = "correct-horse-battery";
  for (const given of [[secret, secret], true] as const) {
    const text = faultsOf({ turnCredential: given, port: "x" }).join("\n");
    assert.ok(!text.includes(secret), text);
    assert.match(text, /--turn-credential: the value/);
  }
  const { config } = load({ turnCredential: secret, turnUsername: "somebody" });
  assert.equal(config.turnCredential, secret);
  const shown = redactConfig(config);
  assert.ok(!JSON.stringify(shown).includes(secret));
  assert.equal(shown.turnUsername, "somebody");
  assert.equal(shown.port, 8088);
  assert.deepEqual(Object.keys(shown), Object.keys(config));
});

Deno.test("shows that a secret is not set", () => {
  assert.equal(redactConfig(load().config).turnCredential, "");
});

Deno.test("takes the shortest names there are", () => {
  assert.equal(load({ host: "h" }).config.host, "h");
  assert.deepEqual(load({ allowRead: ".", allowNet: "h", media: "m" }).config.allowRead, ["."]);
  assert.equal(faultsOf({ host: "" }).length, 1);
});
