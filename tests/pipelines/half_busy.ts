import type { ServerPushService } from "telefuser";
import { BusyService } from "./busy_service.ts";

/** A picture that takes some 2 Mbit/s where the encoder stops refining at quantizer 24. */
export function getService(): ServerPushService {
  return new BusyService({ contrast: 0.25, rows: 190 });
}
