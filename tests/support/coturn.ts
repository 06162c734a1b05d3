import { Buffer } from "node:buffer";
import { freePort } from "./free_port.ts";

/** Debian's coturn. */
export const COTURN = "/usr/bin/turnserver";

const OPENSSL = "/usr/bin/openssl";
/** Time limit for it to listen, in milliseconds. */
const START_MS = 10_000;
/** Time limit for it to end by itself, in milliseconds. */
const STOP_MS = 3000;
/** How often ports are drawn, as another program may take one before coturn does. */
const ATTEMPTS = 3;

/** How a client reaches the relay. */
export type TurnTransport = "udp" | "tcp" | "tls";

/** How to start it. */
export interface CoturnOptions {
  /** Shared secret of time-limited credentials (`--use-auth-secret`); without it there is one long-term user. */
  readonly secret?: string;
  /** Where clients reach it; loopback by default. */
  readonly address?: string;
  /** Where it relays from; the same by default. */
  readonly relayAddress?: string;
  /** What it shows over TLS; a self-signed certificate without it. */
  readonly certificate?: { readonly certFile: string; readonly keyFile: string };
  /** Has it print what becomes of each allocation. */
  readonly verbose?: boolean;
  /** Runs it inside that network namespace. */
  readonly namespace?: string;
}

/** A TURN server of its own process, gone with its files when it goes out of scope. */
export interface Coturn extends AsyncDisposable {
  readonly pid: number;
  /** Of UDP and TCP. */
  readonly port: number;
  readonly tlsPort: number;
  readonly realm: string;
  /** The long-term user; not valid when there is a shared secret. */
  readonly username: string;
  readonly credential: string;
  /** Its self-signed certificate, PEM. */
  readonly certFile: string;
  /** SHA-256 of the certificate's public key in base64, as Chromium's `--ignore-certificate-errors-spki-list` takes it. */
  readonly publicKeyHash: string;
  /** What it printed. */
  readonly output: () => string;
  /** The URL of one transport, for example `turn:127.0.0.1:40123?transport=tcp`. */
  url(transport: TurnTransport): string;
}

/**
 * Starts coturn on free ports of loopback, for UDP, TCP and TLS, and waits until it listens.
 *
 * @throws Error with what it printed, when it ends or does not listen in time
 */
export async function startCoturn(options: CoturnOptions = {}): Promise<Coturn> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(options);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function start(options: CoturnOptions): Promise<Coturn> {
  const { secret, address = "127.0.0.1", relayAddress = address, namespace } = options;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "coturn-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const certificate = await makeCertificate(folder, address);
  const [port, tlsPort] = [freePort(), freePort()];
  const [realm, username, credential] = ["telefuser.test", "viewer", "relay-me"];
  const args = [
    "-n",
    `--listening-ip=${address}`,
    `--relay-ip=${relayAddress}`,
    `--listening-port=${port}`,
    `--tls-listening-port=${tlsPort}`,
    `--cert=${options.certificate?.certFile ?? certificate.certFile}`,
    `--pkey=${options.certificate?.keyFile ?? certificate.keyFile}`,
    `--realm=${realm}`,
    ...(secret === undefined
      ? ["--lt-cred-mech", `--user=${username}:${credential}`]
      : ["--use-auth-secret", `--static-auth-secret=${secret}`]),
    ...(options.verbose === true ? ["--verbose"] : []),
    "--fingerprint",
    "--allow-loopback-peers",
    "--no-cli",
    "--no-dtls",
    `--userdb=${folder}/turndb`,
    `--pidfile=${folder}/pid`,
    "--log-file=stdout",
  ];
  const inside = namespace === undefined ? [] : ["/usr/sbin/ip", "netns", "exec", namespace];
  const [program = "", ...rest] = [...inside, COTURN, ...args];
  const child = new Deno.Command(program, { args: rest, cwd: folder, stdout: "piped", stderr: "null" }).spawn();
  const printed = collect(child.stdout);
  stack.defer(async () => {
    await stop(child);
    await printed.ended;
  });
  await waitUntilItListens(child, { udp: [port], tcp: [port, tlsPort], printed: printed.text });
  const owned = stack.move();
  return {
    pid: child.pid,
    port,
    tlsPort,
    realm,
    username,
    credential,
    certFile: certificate.certFile,
    publicKeyHash: certificate.publicKeyHash,
    output: printed.text,
    url: (transport) => {
      return transport === "tls"
        ? `turns:${address}:${tlsPort}?transport=tcp`
        : `turn:${address}:${port}?transport=${transport}`;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function waitUntilItListens(
  child: Deno.ChildProcess,
  { udp, tcp, printed }: { udp: readonly number[]; tcp: readonly number[]; printed: () => string },
): Promise<void> {
  let hasEnded = false;
  void child.status.then(() => void (hasEnded = true));
  const end = performance.now() + START_MS;
  while (true) {
    if (hasEnded) throw new Error(`coturn ended: ${printed()}`);
    if (isBound(child.pid, { udp }) && isBound(child.pid, { tcp })) return;
    if (performance.now() > end) throw new Error(`coturn does not listen after ${START_MS} ms: ${printed()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether these ports are taken in the network that the process sees, inside a namespace too. */
function isBound(pid: number, ports: { udp?: readonly number[]; tcp?: readonly number[] }): boolean {
  return Object.entries(ports).every(([protocol, list]) => {
    const lines = readIfThere(`/proc/${pid}/net/${protocol}`).split("\n").slice(1);
    // "0: 0100007F:9C41 00000000:0000 0A …": 0A is a listening TCP socket, 07 an unconnected UDP one.
    const bound = lines.map((line) => /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ (0A|07) /.exec(line)?.[1]);
    return list.every((port) => bound.includes(port.toString(16).toUpperCase().padStart(4, "0")));
  });
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // It has ended already.
    }
  };
  kill("SIGTERM");
  const timer = setTimeout(() => kill("SIGKILL"), STOP_MS);
  await child.status;
  clearTimeout(timer);
}

/** Keeps what comes out of a stream. */
function collect(stream: ReadableStream<Uint8Array>): { text: () => string; ended: Promise<void> } {
  let text = "";
  const ended = (async () => {
    for await (const piece of stream.pipeThrough(new TextDecoderStream() as TransformStream)) text += piece;
  })();
  return { text: () => text, ended };
}

/** A self-signed certificate for that address, and its key. */
async function makeCertificate(
  folder: string,
  address: string,
): Promise<{ certFile: string; keyFile: string; publicKeyHash: string }> {
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await openssl([
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=telefuser.test", "-addext", `subjectAltName=IP:${address}`, "-keyout", keyFile, "-out", certFile],
  ]);
  const publicKey = await openssl(["pkey", "-in", keyFile, "-pubout", "-outform", "DER"]);
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(publicKey));
  return { certFile, keyFile, publicKeyHash: Buffer.from(hash).toString("base64") };
}

async function openssl(args: readonly string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(OPENSSL, { args: [...args] }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
