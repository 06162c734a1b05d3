/** Bytes of the script at the head of a package, padded; the archives begin after them. */
export const STUB_BYTES = 8192;

/** What the script of a package is told. */
export interface StubFacts {
  readonly version: string;
  readonly commit: string;
  readonly target: string;
  /** Name of the folder to unpack into: a digest of the archives. */
  readonly content: string;
  /** Bytes of the two archives, packed, in their order. */
  readonly packedBytes: PackedBytes;
  readonly runtimeBytes: number;
  /** Relative to the folder. */
  readonly nativeFile: string;
  readonly nativeBytes: number;
  readonly unpackedBytes: number;
}

/** Bytes of the archives of a package. */
export interface PackedBytes {
  readonly server: number;
  readonly codecs: number;
}

/**
 * The script at the head of a package.
 *
 * @throws RangeError when it does not fit, or a fact is nothing to put into a script
 */
export async function makeStub(facts: StubFacts): Promise<Uint8Array<ArrayBuffer>> {
  const values: Readonly<Record<string, string | number>> = {
    VERSION: facts.version,
    COMMIT: facts.commit,
    TARGET: facts.target,
    CONTENT: facts.content,
    STUB_BYTES,
    SERVER_START: STUB_BYTES + 1,
    SERVER_PACKED: facts.packedBytes.server,
    CODECS_START: STUB_BYTES + facts.packedBytes.server + 1,
    CODECS_PACKED: facts.packedBytes.codecs,
    RUNTIME_BYTES: facts.runtimeBytes,
    NATIVE_FILE: facts.nativeFile,
    NATIVE_BYTES: facts.nativeBytes,
    UNPACKED_MB: Math.ceil(facts.unpackedBytes / 1e6),
  };
  const template = await Deno.readTextFile(new URL("./stub.sh", import.meta.url));
  const script = template.replace(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = String(values[name]);
    if (!/^[\w./@+-]+$/.test(value)) throw new RangeError(`${name} cannot be put into a script: ${value}`);
    return value;
  });
  const bytes = new TextEncoder().encode(script);
  if (bytes.length > STUB_BYTES) throw new RangeError(`the script is ${bytes.length} bytes long, over ${STUB_BYTES}`);
  const padded = new Uint8Array(STUB_BYTES).fill("\n".charCodeAt(0));
  padded.set(bytes);
  return padded;
}
