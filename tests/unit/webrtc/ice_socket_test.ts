import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  isLoss,
  isSigned,
  isStun,
  isStunRequest,
  localFragmentOf,
  plainAddress,
  transactionOf,
} from "../../../src/webrtc/ice_socket.ts";
import {
  BINDING_RESPONSE,
  connectivityCheck,
  MESSAGE_INTEGRITY,
  stunPacket,
  USERNAME,
} from "../support/stun_packets.ts";

const PASSWORD = "a password of enough length";
const PASSWORDS = { ours: PASSWORD, before: "the one before the restart" };
const SIGNED = connectivityCheck({ local: "ours", password: PASSWORD });

/** The packet with one byte changed. */
function spoiled(packet: Buffer, at: number): Buffer {
  const copy = Buffer.from(packet);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

Deno.test("STUN is told from media, DTLS, TURN channels and what is too short", () => {
  assert.equal(isStun(stunPacket()), true);
  assert.equal(isStun(stunPacket({ type: BINDING_RESPONSE })), true);
  assert.equal(isStun(stunPacket().subarray(0, 19)), false);
  assert.equal(isStun(new Uint8Array()), false);
  assert.equal(isStun(spoiled(stunPacket(), 4)), false, "another cookie");
  for (const first of [4, 20, 22, 63, 64, 79, 128, 144, 191, 255]) {
    const packet = stunPacket();
    packet[0] = first;
    assert.equal(isStun(packet), false, `first byte ${first}`);
  }
});

Deno.test("it is recognized inside a larger buffer too", () => {
  const whole = Buffer.concat([Buffer.alloc(7), SIGNED, Buffer.alloc(9)]);
  const packet = whole.subarray(7, 7 + SIGNED.length);
  assert.equal(isStun(packet), true);
  assert.equal(localFragmentOf(packet), "ours");
  assert.equal(isSigned(packet, PASSWORDS), true);
});

Deno.test("requests are told from indications, responses and errors", () => {
  assert.equal(isStunRequest(stunPacket()), true);
  for (const type of [0x0011, 0x0101, 0x0111]) assert.equal(isStunRequest(stunPacket({ type })), false);
  assert.equal(transactionOf(stunPacket({ transaction: "ffeeddccbbaa998877665544" })), "ffeeddccbbaa998877665544");
});

Deno.test("the fragment is the first half of the user name, wherever that stands", () => {
  assert.equal(localFragmentOf(connectivityCheck({ local: "a1B2" })), "a1B2");
  const behind = [{ type: 0x8022, value: "abc" }, { type: USERNAME, value: "ours:theirs" }];
  assert.equal(localFragmentOf(stunPacket({ attributes: behind })), "ours");
  assert.equal(localFragmentOf(stunPacket({ attributes: [{ type: USERNAME, value: "alone" }] })), "alone");
  assert.equal(localFragmentOf(stunPacket({ attributes: [{ type: USERNAME, value: "" }] })), "");
  assert.equal(localFragmentOf(stunPacket()), undefined);
});

Deno.test("attributes that reach beyond the packet end the search", () => {
  for (let length = 0; length < SIGNED.length; length++) {
    const cut = SIGNED.subarray(0, length);
    const expected = length >= 20 + 4 + "ours:theirs".length ? "ours" : undefined;
    assert.equal(localFragmentOf(cut), expected, `${length} bytes`);
    assert.equal(isSigned(cut, PASSWORDS), false, `${length} bytes`);
  }
  const long = stunPacket({ attributes: [{ type: 0x8022, value: "abcd" }, { type: USERNAME, value: "ours:theirs" }] });
  long.writeUInt16BE(0xffff, 22);
  assert.equal(localFragmentOf(long), undefined);
  assert.equal(isSigned(long, PASSWORDS), false);
});

Deno.test("a check is signed with the password of the fragment it names, the one before a restart included", () => {
  assert.equal(isSigned(SIGNED, PASSWORDS), true);
  assert.equal(isSigned(connectivityCheck({ local: "before", password: PASSWORDS.before }), PASSWORDS), true);
  assert.equal(isSigned(connectivityCheck({ local: "before", password: PASSWORD }), PASSWORDS), false);
  assert.equal(isSigned(connectivityCheck({ local: "ours" }), PASSWORDS), false, "no signature");
  assert.equal(isSigned(connectivityCheck({ local: "nobody", password: PASSWORD }), PASSWORDS), false);
  assert.equal(isSigned(SIGNED, {}), false);
});

Deno.test("no byte of a signed check can be changed", () => {
  for (let at = 0; at < SIGNED.length; at++) {
    assert.equal(isSigned(spoiled(SIGNED, at), PASSWORDS), false, `byte ${at}`);
  }
});

Deno.test("hostile names and signatures are no fault, only unsigned", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "\0", "\ud800", ""]) {
    assert.equal(isSigned(connectivityCheck({ local: name, password: "undefined" }), PASSWORDS), false, name);
  }
  for (const length of [0, 1, 19, 21, 64]) {
    const attributes = [
      { type: USERNAME, value: "ours:theirs" },
      { type: MESSAGE_INTEGRITY, value: new Uint8Array(length) },
    ];
    assert.equal(isSigned(stunPacket({ attributes }), PASSWORDS), false, `a signature of ${length} bytes`);
  }
  const badBytes = stunPacket({ attributes: [{ type: USERNAME, value: Uint8Array.of(0xff, 0xfe, 0x3a) }] });
  assert.equal(isSigned(badBytes, PASSWORDS), false);
  for (const type of [0x0001, 0x0009, 0x0020, 0x0024, 0x8028]) {
    for (const length of [0, 1, 3, 5]) {
      const attributes = [{ type: USERNAME, value: "ours:theirs" }, { type, value: new Uint8Array(length) }];
      assert.equal(isSigned(stunPacket({ attributes }), PASSWORDS), false, `attribute ${type} of ${length} bytes`);
    }
  }
});

Deno.test("an IPv4 address that came over IPv6 is written as IPv4", () => {
  assert.equal(plainAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(plainAddress("192.0.2.1"), "192.0.2.1");
  assert.equal(plainAddress("2001:db8::1"), "2001:db8::1");
});

Deno.test("what the way refuses is loss; what is wrong with the socket is not", () => {
  assert.equal(isLoss(new Deno.errors.ConnectionRefused("refused")), true);
  assert.equal(isLoss(new Error("Message too long (os error 90)")), true);
  assert.equal(isLoss(new Error("Network is unreachable (os error 101)")), true);
  assert.equal(isLoss(new Error("Bad file descriptor (os error 9)")), false);
  assert.equal(isLoss(new Error("(os error 1011)")), false);
  assert.equal(isLoss(new Deno.errors.BadResource("closed")), false);
  assert.equal(isLoss("os error 101"), false);
});
