import type { ServerPushService } from "telefuser";

if (performance.now() > 0) throw new Error("it threw while it was loaded");

export function getService(): ServerPushService {
  return { async *serve() {} };
}
