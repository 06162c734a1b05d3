import type { ServerPushService } from "telefuser";

export function getService(): ServerPushService {
  return {
    start() {
      throw new Error("the weights are missing: put model.bin beside the pipeline");
    },
    async *serve() {},
  };
}
