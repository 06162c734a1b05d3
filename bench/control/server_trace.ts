import { z } from "zod";

const percentilesSchema = z.object({
  count: z.number(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
});

const statusSchema = z.object({ stats: z.object({ control_to_send: percentilesSchema }) });

/** A server's own figures of a session, in milliseconds: control message in to frame out. */
export type ServerTrace = z.infer<typeof percentilesSchema>;

/** What the server's status route says of a session; null when it has no such route or no such figures. */
export async function serverTrace(origin: string, sessionId: string): Promise<ServerTrace | null> {
  const response = await fetch(`${origin}/v1/stream/sessions/${sessionId}/status`);
  const body = await response.text();
  if (!response.ok) return null;
  const status = statusSchema.safeParse(JSON.parse(body));
  return status.success ? status.data.stats.control_to_send : null;
}
