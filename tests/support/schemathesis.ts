/** The version that the tests are written for; `deno task test --install` brings it. */
export const SCHEMATHESIS_VERSION = "4.32.5";

/** The folder of a Python environment that has nothing else in it. */
export const SCHEMATHESIS_FOLDER = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`
}/telefuser-tests/schemathesis-${SCHEMATHESIS_VERSION}`;

/** The program. */
export const SCHEMATHESIS = `${SCHEMATHESIS_FOLDER}/bin/schemathesis`;
