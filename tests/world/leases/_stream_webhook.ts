/** Stream's webhook, as a worker program gets it. */
import { createHmac } from "node:crypto";
import { API_SECRET } from "../../edges/getstream/double/stream_double.ts";

/** Announces a call in which anna waits to the program at this origin; returns the answer. */
export async function announceCall(origin: string, callId: string): Promise<string> {
  const user = { id: "anna", name: "Anna" };
  const body = JSON.stringify({
    type: "call.session_started",
    session_id: "1",
    call: { id: callId, type: "default", session: { participants: [{ user }] } },
  });
  const signature = createHmac("sha256", API_SECRET).update(body).digest("hex");
  const headers = { "x-signature": signature };
  const response = await fetch(`${origin}/webhook`, { method: "POST", headers, body });
  return `${response.status} ${(await response.json()).status}`;
}
