import { messageOf, StreamError } from "../errors.ts";

/** Libraries that know `open` and `dup2`, by system. */
const LIBRARIES: Readonly<Partial<Record<typeof Deno.build.os, string>>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

/**
 * Sees to it that Deno never asks anybody whether a pipeline may do something. It asks only where standard input and
 * standard error are a terminal, and then also for a worker whose permissions are all denied, unless the process was
 * started with `--no-prompt`, which nothing can make up for later. So a terminal at standard input gives way to
 * `/dev/null`; the server reads nothing there, and the signals of the keyboard still come. A worker that inherits every
 * permission has nothing to ask for.
 *
 * @throws StreamError `invalid_config` where the terminal cannot be taken away; it says what to type
 */
export function denyPrompts(permissions: Deno.PermissionOptions): void {
  if (!Deno.stdin.isTerminal() || (permissions === "inherit" && mayDoEverything())) return;
  let reason = `there is no way to do it on ${Deno.build.os}`;
  try {
    const library = LIBRARIES[Deno.build.os];
    if (library !== undefined) replaceStandardInput(library);
  } catch (error) {
    reason = messageOf(error);
  }
  if (!Deno.stdin.isTerminal()) return;
  throw new StreamError(
    "invalid_config",
    `a pipeline could make Deno ask for permissions on this terminal, and it cannot be taken away (${reason}); add ` +
      "--isolation process, or start with input from elsewhere",
  );
}

function mayDoEverything(): boolean {
  const kinds = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;
  return kinds.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}

function replaceStandardInput(library: string): void {
  const opened = Deno.dlopen(library, {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { symbols } = opened;
  const descriptor = symbols.open(new TextEncoder().encode("/dev/null\0"), 0);
  if (descriptor >= 0) {
    symbols.dup2(descriptor, 0);
    symbols.close(descriptor);
  }
  opened.close();
}
