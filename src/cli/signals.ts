/** Resolves with the name of the first signal that asks to stop; the second one ends the process. */
export function waitForSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let seen = false;
  const end = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
  for (const signal of ["SIGINT", end] as const) {
    Deno.addSignalListener(signal, () => {
      if (seen) Deno.exit(130);
      seen = true;
      resolve(signal);
    });
  }
  return promise;
}
