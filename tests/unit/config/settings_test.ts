import assert from "node:assert/strict";
import { expected, flagName, SETTING_NAMES, settingOf, SETTINGS, variableName } from "../../../src/config/mod.ts";

Deno.test("names flags and variables by rule", () => {
  assert.equal(flagName("webrtcMaxSessions"), "webrtc-max-sessions");
  assert.equal(variableName("webrtcMaxSessions"), "TELEFUSER_WEBRTC_MAX_SESSIONS");
  assert.equal(flagName("port"), "port");
  assert.equal(variableName("port"), "TELEFUSER_PORT");
  for (const name of SETTING_NAMES) {
    assert.match(flagName(name), /^[a-z]+(-[a-z]+)*$/);
    assert.match(variableName(name), /^TELEFUSER_[A-Z]+(_[A-Z]+)*$/);
    assert.equal(flagName(name).replaceAll("-", ""), name.toLowerCase());
    assert.equal(variableName(name), `TELEFUSER_${flagName(name).toUpperCase().replaceAll("-", "_")}`);
  }
});

Deno.test("has no two settings with the same flag, letter or variable", () => {
  const shorts = SETTING_NAMES.flatMap((name) => settingOf(name).short ?? []);
  assert.equal(new Set(shorts).size, shorts.length);
  assert.equal(new Set(SETTING_NAMES.map(flagName)).size, SETTING_NAMES.length);
});

Deno.test("has defaults that pass their own schema, and schemas that change nothing", () => {
  for (const name of SETTING_NAMES) {
    const { schema, default: value } = settingOf(name);
    assert.deepEqual(schema.parse(value), value, name);
  }
});

Deno.test("explains every setting and says what it takes", () => {
  for (const name of SETTING_NAMES) {
    const { help, kind, choices, value } = settingOf(name);
    assert.ok(help.length > 8, name);
    assert.ok(expected(name).length > 3, name);
    if (kind === "choice") assert.ok(choices !== undefined && choices.length > 1, name);
    else if (kind !== "boolean") assert.ok(value !== undefined, `${name} does not name its value`);
  }
});

Deno.test("keeps every password secret", () => {
  for (const name of SETTING_NAMES) {
    if (/credential|password|secret|token|key$/i.test(name)) assert.equal(settingOf(name).secret, true, name);
  }
  assert.equal(SETTINGS.turnCredential.secret, true);
});
