import { createCipheriv } from "node:crypto";
import { type RTCDtlsTransport, RtpHeader } from "werift";
import { rtpHeaderBytes, type RtpHeaderFields, writeRtpHeader } from "../rtp/mod.ts";

const AEAD_AES_128_GCM = 7;
const TAG_BYTES = 16;
const NO_EXTENSIONS = new Uint8Array(0);

/** A datagram that cannot be sent is a lost one: NACK, PLI and the silence watchdog deal with that. */
const lost = () => undefined;

/** State of one SSRC for the packet index (RFC 3711, section 3.3.1). */
interface StreamState {
  rollover: number;
  last: number;
}

/**
 * Encrypts and sends RTP and RTCP over a connected DTLS transport, past werift's own sender: one header, one cipher and
 * one socket call for each packet. For AES-GCM (RFC 7714) the packet is put together here; the older profile goes
 * through werift's SRTP session, without header extensions.
 */
export class PacketSender {
  readonly #transport: RTCDtlsTransport;
  readonly #gcm: { key: Uint8Array; salt: Uint8Array } | undefined;
  readonly #streams = new Map<number, StreamState>();

  constructor(transport: RTCDtlsTransport) {
    this.#transport = transport;
    const { localContext, config } = transport.srtp;
    if (config.profile === AEAD_AES_128_GCM) {
      this.#gcm = { key: localContext.srtpSessionKey, salt: localContext.srtpSessionSalt };
    }
  }

  /**
   * Sends one RTP packet; returns its size on the wire before UDP.
   *
   * @param extensions a block made by `headerExtensionBlock`
   */
  sendRtp(fields: RtpHeaderFields, payload: Uint8Array, extensions: Uint8Array = NO_EXTENSIONS): number {
    const packet = this.#gcm === undefined
      ? this.#protectByWerift(fields, payload)
      : this.#protect(fields, payload, extensions);
    this.#send(packet);
    return packet.length;
  }

  /** Sends one compound RTCP packet. */
  sendRtcp(compound: Uint8Array): void {
    this.#send(this.#transport.srtcp.encrypt(Buffer.from(compound)));
  }

  #send(packet: Buffer): void {
    this.#transport.bytesSent += packet.length;
    this.#transport.packetsSent++;
    this.#transport.iceTransport.connection.send(packet).catch(lost);
  }

  #protect(fields: RtpHeaderFields, payload: Uint8Array, extensions: Uint8Array): Buffer {
    const gcm = this.#gcm;
    if (gcm === undefined) throw new Error("no AES-GCM keys");
    const headerBytes = rtpHeaderBytes(extensions);
    const packet = Buffer.allocUnsafeSlow(headerBytes + payload.length + TAG_BYTES);
    writeRtpHeader(packet, fields, extensions);
    const rollover = this.#rollover(fields.ssrc, fields.sequenceNumber);
    const cipher = createCipheriv("aes-128-gcm", gcm.key, initializationVector(gcm.salt, fields, rollover));
    cipher.setAAD(packet.subarray(0, headerBytes));
    packet.set(cipher.update(payload), headerBytes);
    cipher.final();
    packet.set(cipher.getAuthTag(), headerBytes + payload.length);
    return packet;
  }

  #protectByWerift(fields: RtpHeaderFields, payload: Uint8Array): Buffer {
    const header = new RtpHeader({ ...fields, padding: false, extension: false, extensions: [] });
    return this.#transport.srtp.encrypt(Buffer.from(payload), header);
  }

  /** Times the sequence number of a stream has wrapped; retransmissions of older packets do not turn it back. */
  #rollover(ssrc: number, sequenceNumber: number): number {
    const state = this.#streams.get(ssrc);
    if (state === undefined) {
      this.#streams.set(ssrc, { rollover: 0, last: sequenceNumber });
      return 0;
    }
    if (((sequenceNumber - state.last) & 0xffff) < 0x8000) {
      if (sequenceNumber < state.last) state.rollover++;
      state.last = sequenceNumber;
      return state.rollover;
    }
    return sequenceNumber > state.last ? state.rollover - 1 : state.rollover;
  }
}

/** 00 00 ‖ SSRC ‖ ROC ‖ SEQ, exclusive-or'd with the salt (RFC 7714, section 8.1). */
function initializationVector(salt: Uint8Array, fields: RtpHeaderFields, rollover: number): Uint8Array {
  const iv = new Uint8Array(12);
  const { ssrc, sequenceNumber } = fields;
  iv[2] = ssrc >>> 24;
  iv[3] = ssrc >>> 16;
  iv[4] = ssrc >>> 8;
  iv[5] = ssrc;
  iv[6] = rollover >>> 24;
  iv[7] = rollover >>> 16;
  iv[8] = rollover >>> 8;
  iv[9] = rollover;
  iv[10] = sequenceNumber >>> 8;
  iv[11] = sequenceNumber;
  for (let index = 0; index < 12; index++) iv[index] = (iv[index] ?? 0) ^ (salt[index] ?? 0);
  return iv;
}
