import type { ServerPushService } from "telefuser";

export function getService(): ServerPushService {
  return {
    start: () => new Promise<never>(() => undefined),
    async *serve() {},
  };
}
