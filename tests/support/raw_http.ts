/** What came back over a connection, and whether the server has closed it. */
export interface RawConnection extends AsyncDisposable {
  /** All that came, as Latin-1. */
  readonly received: () => string;
  /** Whether the server has closed the connection. */
  readonly isClosed: () => boolean;
  /** Sends more; false when the connection is gone. */
  send(text: string): Promise<boolean>;
  /** Resolves when the server has closed it. */
  readonly closed: Promise<void>;
}

/** Opens a connection on which a test writes HTTP by hand. */
export async function openRaw(port: number, text = ""): Promise<RawConnection> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let received = "";
  let isClosed = false;
  const closed = (async () => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
        received += new TextDecoder("latin1").decode(buffer.subarray(0, read));
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    isClosed = true;
  })();
  async function send(more: string): Promise<boolean> {
    let bytes = new TextEncoder().encode(more);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
      return true;
    } catch (error) {
      if (!isGone(error)) throw error;
      return false;
    }
  }
  await send(text);
  return {
    received: () => received,
    isClosed: () => isClosed,
    closed,
    send,
    async [Symbol.asyncDispose]() {
      connection.close();
      await closed;
    },
  };
}

/** The status of the first answer; 0 while none has come. */
export function statusOf(connection: RawConnection): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(connection.received())?.[1] ?? 0);
}

/** The connection was reset, or closed by either end. */
function isGone(error: unknown): boolean {
  return [
    Deno.errors.ConnectionReset,
    Deno.errors.ConnectionAborted,
    Deno.errors.BrokenPipe,
    Deno.errors.BadResource,
    Deno.errors.Interrupted,
  ].some((kind) => error instanceof kind);
}
