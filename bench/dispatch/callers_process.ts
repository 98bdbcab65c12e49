/**
 * Callers in LiveKit's rooms, by LiveKit's own client for Node: each listens, and sends when it first
 * hears something. Ends with its input.
 *
 * @module
 */
import { respondToAll, send } from "../lib/lines.ts";

Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order

/** What is quieter is silence: 1 % of full scale. */
const AUDIBLE = 328;

// Not in the lock file: it is fetched by those who compare.
const specifier = "npm:@livekit/rtc-node@1.1.0";
const rtc = await import(specifier);
// deno-lint-ignore no-explicit-any
const rooms = new Map<string, any>();

// deno-lint-ignore no-explicit-any
async function listen(name: string, track: any): Promise<void> {
  let isHeard = false;
  for await (const { data } of new rtc.AudioStream(track, 48_000, 1)) {
    if (isHeard || !(data as Int16Array).some((sample) => Math.abs(sample) > AUDIBLE)) continue;
    isHeard = true;
    send({ event: { room: name, heardAt: Date.now() } });
  }
}

send({ ready: true });
await respondToAll(async ({ ask, room: name, url, token }) => {
  if (ask === "leave") {
    await rooms.get(name)?.disconnect();
    rooms.delete(name);
    return true;
  }
  const room = new rtc.Room();
  rooms.set(name, room);
  // deno-lint-ignore no-explicit-any
  room.on(rtc.RoomEvent.TrackSubscribed, (track: any) => void listen(name, track));
  await room.connect(url, token, { autoSubscribe: true });
  return true;
});
Deno.exit();
