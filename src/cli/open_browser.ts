import { messageOf } from "../errors.ts";
import { Log } from "../log.ts";

const log = new Log("demo");

/** The program that opens a page in the browser of the desktop, by system. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  windows: ["cmd", "/c", "start", ""],
};

/** Opens a page in the system's browser and does not wait for it; says so when there is none. */
export function openBrowser(url: string): void {
  const [program = "xdg-open", ...args] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const child = new Deno.Command(program, { args: [...args, url], ...quiet }).spawn();
    child.unref();
    child.status.then(({ success }) => {
      if (!success) log.info(`${program} found no browser; open the page yourself`);
    });
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "is missing" : `does not start: ${messageOf(error)}`;
    log.info(`no browser to open from here (${program} ${reason}); open the page yourself`);
  }
}
