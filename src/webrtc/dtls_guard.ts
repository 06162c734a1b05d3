import { verify, X509Certificate } from "node:crypto";
import { constants } from "node:crypto";
import type { RTCDtlsTransport } from "werift";

const CLIENT_HELLO = 1;
const CERTIFICATE = 11;
const CERTIFICATE_VERIFY = 15;
const CLIENT_KEY_EXCHANGE = 16;
/** Messages of the client that are handled the first time only. */
const ONCE = new Set([CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE]);
/** Flight from which on our random and key share are out. */
const SERVER_HELLO_FLIGHT = 4;
/** Flight after which the handshake is done. */
const LAST_FLIGHT = 6;
/** DTLS records that may wait for the DTLS object. */
const MAX_EARLY_RECORDS = 8;

/** The parts of werift's DTLS socket used here; they are public there but not in its exported types. */
interface DtlsSocketInternals {
  connected: boolean;
  dtls: { flight: number; sortedHandshakeCache: HandshakeMessage[] };
  onHandleHandshakes: (assembled: HandshakeMessage[]) => Promise<void>;
  remoteCertificate?: Uint8Array;
}

interface HandshakeMessage {
  readonly msg_type: number;
  readonly message_seq: number;
  readonly fragment: Uint8Array;
  serialize(): Uint8Array;
}

/**
 * Mends three faults of werift's DTLS server:
 *
 * 1. Records that arrive before its DTLS object exists (ICE can be done first on the other side) are lost, and the
 *    browser waits for its retransmission timer. They are kept and given to it.
 * 2. Retransmitted handshake messages are handled again and change keys, before or after the connection is up; see
 *    `ignoreDuplicates`.
 * 3. The client's signature over the handshake is not looked at; see `clientIsAuthentic`.
 */
export function guardDtls(transport: RTCDtlsTransport): void {
  const early: Buffer[] = [];
  const { connection } = transport.iceTransport;
  const keeper = connection.onData.subscribe((data: Buffer) => {
    if (transport.dtls === undefined && isDtls(data) && early.length < MAX_EARLY_RECORDS) early.push(data);
  });
  const watcher = transport.onStateChange.subscribe((state) => {
    if (state !== "connecting") return;
    watcher.unSubscribe();
    keeper.unSubscribe();
    queueMicrotask(() => {
      const socket = transport.dtls as unknown as DtlsSocketInternals | undefined;
      if (socket === undefined) return;
      ignoreDuplicates(socket);
      for (const data of early.splice(0)) connection.onData.execute(data);
    });
  });
}

/** First byte 20–63 (RFC 7983, section 7). */
function isDtls(data: Uint8Array): boolean {
  const first = data[0] ?? 0;
  return first >= 20 && first <= 63;
}

/**
 * Handshake messages are retransmitted whenever an answer is late (RFC 6347, section 4.2.4). A duplicate must change
 * nothing: a first ClientHello would draw new keys behind a flight 4 that is out already, a key exchange would derive
 * the master secret again from a longer transcript. Only what is answered from memory goes through a second time.
 */
function ignoreDuplicates(socket: DtlsSocketInternals): void {
  const handle = socket.onHandleHandshakes;
  const seen = new Set<number>();
  socket.onHandleHandshakes = async (assembled) => {
    const { flight } = socket.dtls;
    const wanted = assembled.filter((message) => {
      const type = message.msg_type;
      if (type === CLIENT_HELLO) {
        const isFirst = message.message_seq === 0;
        return !socket.connected && flight < (isFirst ? SERVER_HELLO_FLIGHT : LAST_FLIGHT);
      }
      if (!ONCE.has(type)) return true;
      if (seen.has(type)) return false;
      seen.add(type);
      return true;
    });
    if (wanted.length > 0) await handle(wanted);
  };
}

/**
 * Whether the client has proved that it holds the key of its certificate: its CertificateVerify signs every handshake
 * message before it (RFC 5246, section 7.4.8). Without it anyone could present a copied certificate, whose fingerprint
 * is public.
 */
export function clientIsAuthentic(transport: RTCDtlsTransport): boolean {
  const socket = transport.dtls as unknown as DtlsSocketInternals | undefined;
  const certificate = socket?.remoteCertificate;
  if (socket === undefined || certificate === undefined) return false;
  const messages = socket.dtls.sortedHandshakeCache;
  const at = messages.findIndex((message) => message.msg_type === CERTIFICATE_VERIFY);
  const proof = messages[at]?.fragment;
  if (proof === undefined || proof.length < 4) return false;
  const signed = Buffer.concat(messages.slice(0, at).map((message) => message.serialize()));
  const scheme = (byteAt(proof, 0) << 8) | byteAt(proof, 1);
  const length = (byteAt(proof, 2) << 8) | byteAt(proof, 3);
  const signature = proof.subarray(4, 4 + length);
  const hash = HASHES[scheme];
  if (hash === undefined) return false;
  const isPss = scheme >> 8 === 8;
  try {
    const key = new X509Certificate(Buffer.from(certificate)).publicKey;
    return verify(hash, signed, isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING } : key, signature);
  } catch {
    // A certificate that cannot be read, or a key that does not go with the scheme, proves nothing.
    return false;
  }
}

/** SignatureScheme → hash (RFC 8446, section 4.2.3, whose ECDSA and PKCS #1 values are those of TLS 1.2). */
const HASHES: Readonly<Record<number, string>> = {
  0x0401: "sha256",
  0x0403: "sha256",
  0x0501: "sha384",
  0x0503: "sha384",
  0x0601: "sha512",
  0x0603: "sha512",
  0x0804: "sha256",
  0x0805: "sha384",
  0x0806: "sha512",
};

function byteAt(data: Uint8Array, at: number): number {
  return data[at] ?? 0;
}
