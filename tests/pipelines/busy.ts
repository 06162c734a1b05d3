import type { ServerPushService } from "telefuser";
import { BusyService } from "./busy_service.ts";

/** A picture that uses up any bitrate. */
export function getService(): ServerPushService {
  return new BusyService();
}
