import assert from "node:assert/strict";
import { constants, createPrivateKey, sign } from "node:crypto";
import {
  CipherContext,
  Event,
  HashAlgorithm,
  NamedCurveAlgorithm,
  type RTCDtlsTransport,
  SignatureAlgorithm,
} from "werift";
import { clientIsAuthentic, guardDtls } from "../../../src/webrtc/dtls_guard.ts";
import { concat, hex, noise } from "../support/bytes.ts";
import { settle } from "../support/manual_clock.ts";

const CLIENT_HELLO = 1;
const CERTIFICATE = 11;
const CERTIFICATE_VERIFY = 15;
const CLIENT_KEY_EXCHANGE = 16;
const FINISHED = 20;

interface Message {
  readonly msg_type: number;
  readonly message_seq: number;
  readonly fragment: Uint8Array;
  serialize(): Uint8Array;
}

function message(msg_type: number, message_seq: number, fragment: Uint8Array = noise(40, msg_type)): Message {
  return {
    msg_type,
    message_seq,
    fragment,
    serialize: () => concat(Uint8Array.of(msg_type, 0, 0, fragment.length, 0, message_seq), fragment),
  };
}

const CERTIFICATES = {
  ecdsa: await CipherContext.createSelfSignedCertificateWithKey(
    { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.ecdsa_3 },
    NamedCurveAlgorithm.secp256r1_23,
  ),
  rsa: await CipherContext.createSelfSignedCertificateWithKey({
    hash: HashAlgorithm.sha256_4,
    signature: SignatureAlgorithm.rsa_1,
  }),
};

function der(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replaceAll(/-----[^-]+-----|\s/g, ""));
}

const TRANSCRIPT = [message(CLIENT_HELLO, 1), message(2, 1), message(CERTIFICATE, 2), message(CLIENT_KEY_EXCHANGE, 3)];

/** CertificateVerify over the messages before it (RFC 5246, section 7.4.8): scheme, length, signature. */
function proof(
  { key, scheme, over = TRANSCRIPT }: { key: string; scheme: number; over?: readonly Message[] },
): Message {
  const hash = { 4: "sha256", 5: "sha384", 6: "sha512" }[scheme >> 8] ?? "sha256";
  const padding = scheme >> 8 === 8 ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  const signature = sign(hash, concat(...over.map((one) => one.serialize())), {
    key: createPrivateKey(key),
    ...padding,
  });
  const head = Uint8Array.of(scheme >> 8, scheme & 0xff, signature.length >> 8, signature.length & 0xff);
  return message(CERTIFICATE_VERIFY, 4, concat(head, signature));
}

/** A transport whose handshake was this. */
function transportOf(certificate: Uint8Array | undefined, messages: readonly Message[]): RTCDtlsTransport {
  const dtls = { remoteCertificate: certificate, dtls: { flight: 6, sortedHandshakeCache: messages } };
  return { dtls } as unknown as RTCDtlsTransport;
}

Deno.test("believes a client that has signed the handshake with the key of its certificate", () => {
  const { ecdsa, rsa } = CERTIFICATES;
  const cases = [[ecdsa, 0x0403], [rsa, 0x0401], [rsa, 0x0501], [rsa, 0x0601], [rsa, 0x0804]] as const;
  for (const [{ certPem, keyPem }, scheme] of cases) {
    const verify = proof({ key: keyPem, scheme });
    const transport = transportOf(der(certPem), [...TRANSCRIPT, verify, message(FINISHED, 5)]);
    assert.equal(clientIsAuthentic(transport), true, scheme.toString(16));
  }
});

Deno.test("does not believe a client that shows somebody else's certificate", () => {
  const { ecdsa, rsa } = CERTIFICATES;
  for (const [shown, key, scheme] of [[ecdsa, rsa, 0x0401], [rsa, ecdsa, 0x0403]] as const) {
    const transport = transportOf(der(shown.certPem), [...TRANSCRIPT, proof({ key: key.keyPem, scheme })]);
    assert.equal(clientIsAuthentic(transport), false);
  }
});

Deno.test("does not believe a signature over another handshake, or one that was changed", () => {
  const { certPem, keyPem } = CERTIFICATES.ecdsa;
  const other = proof({ key: keyPem, scheme: 0x0403, over: [message(CLIENT_HELLO, 0), ...TRANSCRIPT.slice(1)] });
  assert.equal(clientIsAuthentic(transportOf(der(certPem), [...TRANSCRIPT, other])), false);
  const good = proof({ key: keyPem, scheme: 0x0403 });
  const bent = good.fragment.slice();
  bent[20] = (bent[20] ?? 0) ^ 1;
  assert.equal(clientIsAuthentic(transportOf(der(certPem), [...TRANSCRIPT, message(15, 4, bent)])), false);
  assert.equal(clientIsAuthentic(transportOf(der(certPem), [...TRANSCRIPT.slice(1), good])), false);
});

Deno.test("does not believe a client that proves nothing", () => {
  const { certPem, keyPem } = CERTIFICATES.ecdsa;
  const good = proof({ key: keyPem, scheme: 0x0403 });
  assert.equal(clientIsAuthentic(transportOf(der(certPem), TRANSCRIPT)), false, "no CertificateVerify");
  assert.equal(clientIsAuthentic(transportOf(undefined, [...TRANSCRIPT, good])), false, "no certificate");
  assert.equal(clientIsAuthentic({ dtls: undefined } as unknown as RTCDtlsTransport), false, "no handshake");
  for (const fragment of [hex(""), hex("0403"), hex("04030000"), hex("0403ffff00"), hex("02030004deadbeef")]) {
    const transport = transportOf(der(certPem), [...TRANSCRIPT, message(CERTIFICATE_VERIFY, 4, fragment)]);
    assert.equal(clientIsAuthentic(transport), false, fragment.toHex());
  }
});

Deno.test("does not believe, nor fall over, a certificate that cannot be read", () => {
  const good = proof({ key: CERTIFICATES.ecdsa.keyPem, scheme: 0x0403 });
  for (const certificate of [hex(""), noise(300), der(CERTIFICATES.ecdsa.certPem).subarray(0, 100)]) {
    assert.equal(clientIsAuthentic(transportOf(certificate, [...TRANSCRIPT, good])), false);
  }
});

/** A transport of which the guard sees just what it uses. */
function guarded() {
  const handled: number[][] = [];
  const socket = {
    connected: false,
    dtls: { flight: 0, sortedHandshakeCache: [] },
    onHandleHandshakes: (messages: readonly Message[]) => {
      handled.push(messages.map(({ msg_type }) => msg_type));
      return Promise.resolve();
    },
  };
  const onData = new Event<[Buffer]>();
  const onStateChange = new Event<[string]>();
  const transport: { dtls: typeof socket | undefined; [field: string]: unknown } = {
    dtls: undefined,
    onStateChange,
    iceTransport: { connection: { onData } },
  };
  guardDtls(transport as unknown as RTCDtlsTransport);
  /** The DTLS object comes into being. */
  async function connect(): Promise<void> {
    transport.dtls = socket;
    onStateChange.execute("connecting");
    await settle();
  }
  return { socket, handled, onData, connect };
}

Deno.test("keeps records that come before the DTLS object is there and gives them to it, in order", async () => {
  const { onData, connect } = guarded();
  const packets = [hex("16fefd0001"), hex("000100002112a442"), hex("16fefd0002"), hex("80600001"), hex("14fefd0003")];
  for (const packet of packets) onData.execute(Buffer.from(packet));
  const seen: string[] = [];
  onData.subscribe((data) => seen.push(data.toHex()));
  await connect();
  assert.deepEqual(seen, ["16fefd0001", "16fefd0002", "14fefd0003"], "neither STUN nor SRTP");
  onData.execute(Buffer.from(hex("16fefd0004")));
  await settle();
  assert.deepEqual(seen.slice(3), ["16fefd0004"], "and what comes later just once");
});

Deno.test("keeps only a few early records", async () => {
  const { onData, connect } = guarded();
  for (let index = 0; index < 1000; index++) onData.execute(Buffer.from([22, index & 0xff]));
  let seen = 0;
  onData.subscribe(() => seen++);
  await connect();
  assert.ok(seen > 0 && seen <= 16, `${seen} records`);
});

Deno.test("lets a retransmitted ClientHello change nothing once our answer is out", async () => {
  const { socket, handled, connect } = guarded();
  await connect();
  await socket.onHandleHandshakes([message(CLIENT_HELLO, 0)]);
  socket.dtls.flight = 2;
  await socket.onHandleHandshakes([message(CLIENT_HELLO, 1)]);
  assert.deepEqual(handled, [[CLIENT_HELLO], [CLIENT_HELLO]]);
  socket.dtls.flight = 4;
  await socket.onHandleHandshakes([message(CLIENT_HELLO, 0)]);
  assert.equal(handled.length, 2, "it would draw new keys");
  await socket.onHandleHandshakes([message(CLIENT_HELLO, 1)]);
  assert.equal(handled.length, 3, "this one has flight 4 sent again");
  socket.dtls.flight = 6;
  socket.connected = true;
  for (const number of [0, 1]) await socket.onHandleHandshakes([message(CLIENT_HELLO, number)]);
  assert.equal(handled.length, 3, "a connection that is up stays up");
});

Deno.test("handles the client's certificate, key exchange and proof once each, and what is behind them", async () => {
  const { socket, handled, connect } = guarded();
  await connect();
  socket.dtls.flight = 4;
  const flight = [message(CERTIFICATE, 2), message(CLIENT_KEY_EXCHANGE, 3), message(CERTIFICATE_VERIFY, 4)];
  await socket.onHandleHandshakes(flight.slice(0, 1));
  await socket.onHandleHandshakes([...flight, message(FINISHED, 5)]);
  await socket.onHandleHandshakes(flight);
  await socket.onHandleHandshakes([...flight, message(FINISHED, 5)]);
  assert.deepEqual(handled, [
    [CERTIFICATE],
    [CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY, FINISHED],
    [FINISHED],
  ]);
});
