import assert from "node:assert/strict";
import { arrowOf, arrowsAt, arrowsOn, HeldKeys } from "../../../static/held-keys.js";

function open() {
  const told: string[] = [];
  return { keys: new HeldKeys((key, action) => void told.push(`${action} ${key.slice(5)}`)), told };
}

function gamepad({ x = 0, y = 0, pressed = [] as number[], mapping = "standard" }) {
  const buttons = Array.from({ length: 17 }, (_, button) => ({ pressed: pressed.includes(button) }));
  return { mapping, buttons, axes: [x, y, 0, 0] };
}

Deno.test("a key is told once when it is pressed and once when it is let go, however often it repeats", () => {
  const { keys, told } = open();
  for (let n = 0; n < 5; n++) keys.hold("keyboard ArrowUp", ["ArrowUp"]);
  assert.deepEqual(told, ["press Up"]);
  assert.equal(keys.isHeld("ArrowUp"), true);
  keys.release("keyboard ArrowUp");
  keys.release("keyboard ArrowUp");
  assert.deepEqual(told, ["press Up", "release Up"]);
});

Deno.test("a key that two sources hold is let go with the last of them", () => {
  const { keys, told } = open();
  keys.hold("keyboard ArrowUp", ["ArrowUp"]);
  keys.hold("keyboard KeyW", ["ArrowUp"]);
  keys.hold("pointer 3", ["ArrowUp", "ArrowLeft"]);
  assert.deepEqual(keys.held, ["ArrowUp", "ArrowLeft"]);
  keys.release("keyboard ArrowUp");
  keys.release("pointer 3");
  assert.deepEqual(keys.held, ["ArrowUp"]);
  assert.deepEqual(told, ["press Up", "press Left", "release Left"]);
  keys.release("keyboard KeyW");
  assert.deepEqual(told.at(-1), "release Up");
});

Deno.test("a finger that slides tells what it leaves before what it comes to, and keeps what it keeps", () => {
  const { keys, told } = open();
  keys.hold("pointer 1", ["ArrowUp"]);
  keys.hold("pointer 1", ["ArrowUp", "ArrowRight"]);
  keys.hold("pointer 1", ["ArrowRight"]);
  keys.hold("pointer 1", ["ArrowLeft"]);
  assert.deepEqual(told, ["press Up", "press Right", "release Up", "release Right", "press Left"]);
});

Deno.test("several fingers hold several keys", () => {
  const { keys, told } = open();
  keys.hold("pointer 1", ["ArrowUp"]);
  keys.hold("pointer 2", ["ArrowRight"]);
  keys.release("pointer 1");
  assert.deepEqual(told, ["press Up", "press Right", "release Up"]);
  assert.equal(keys.isHeld("ArrowRight"), true);
});

Deno.test("letting go of everything tells each held key once", () => {
  const { keys, told } = open();
  keys.hold("keyboard KeyW", ["ArrowUp"]);
  keys.hold("pointer 1", ["ArrowUp", "ArrowLeft"]);
  told.length = 0;
  keys.releaseAll();
  keys.releaseAll();
  keys.release("pointer 1");
  assert.deepEqual(told, ["release Up", "release Left"]);
});

Deno.test("arrows and the places of W, A, S and D are keys, whatever is printed there", () => {
  assert.equal(arrowOf({ key: "ArrowLeft", code: "ArrowLeft" }), "ArrowLeft");
  assert.equal(arrowOf({ key: "z", code: "KeyW" }), "ArrowUp");
  assert.equal(arrowOf({ key: "q", code: "KeyA" }), "ArrowLeft");
  assert.equal(arrowOf({ key: "ArrowDown", code: "Numpad2" }), "ArrowDown");
  assert.equal(arrowOf({ key: "2", code: "Numpad2" }), null);
  assert.equal(arrowOf({ key: "Enter", code: "Enter" }), null);
});

Deno.test("a finger on a side holds one key, in a corner two, in the middle none, outside what is nearest", () => {
  assert.deepEqual(arrowsAt(0, 0), []);
  assert.deepEqual(arrowsAt(0.3, -0.3), []);
  assert.deepEqual(arrowsAt(0.3, -0.9), ["ArrowUp"]);
  assert.deepEqual(arrowsAt(-0.9, 0.1), ["ArrowLeft"]);
  assert.deepEqual(arrowsAt(0.7, 0.7), ["ArrowRight", "ArrowDown"]);
  assert.deepEqual(arrowsAt(0.1, 4), ["ArrowDown"]);
});

Deno.test("a gamepad's D-pad and left stick hold keys, and a stick at its threshold does not flutter", () => {
  assert.deepEqual(arrowsOn(gamepad({ pressed: [12, 15] }), []), ["ArrowUp", "ArrowRight"]);
  assert.deepEqual(arrowsOn(gamepad({ pressed: [0, 13, 14] }), []), ["ArrowDown", "ArrowLeft"]);
  assert.deepEqual(arrowsOn(gamepad({ x: 0.45 }), []), []);
  assert.deepEqual(arrowsOn(gamepad({ x: 0.55 }), []), ["ArrowRight"]);
  assert.deepEqual(arrowsOn(gamepad({ x: 0.45 }), ["ArrowRight"]), ["ArrowRight"]);
  assert.deepEqual(arrowsOn(gamepad({ x: 0.3 }), ["ArrowRight"]), []);
  assert.deepEqual(arrowsOn(gamepad({ x: -0.8, y: -0.8 }), []), ["ArrowUp", "ArrowLeft"]);
});

Deno.test("of a gamepad without the standard layout only the stick is read", () => {
  assert.deepEqual(arrowsOn(gamepad({ pressed: [12], x: 1, mapping: "" }), []), ["ArrowRight"]);
  assert.deepEqual(arrowsOn({ mapping: "", buttons: [], axes: [] }, []), []);
});
