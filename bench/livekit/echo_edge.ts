/** Returns what it hears in LiveKit's rooms, over LiveKitEdge: see `echoes.ts`. @module */
import { type AudioRow, type AudioTrack, type EdgeAgent, silentLogger } from "@ringline/edge";
import { LiveKitEdge } from "@ringline/livekit";
import { serveEchoes } from "./echoes.ts";

/** An agent that returns what it hears. */
class Echo implements EdgeAgent {
  readonly user = { id: "echo", name: "Echo" };
  readonly audioSubscription = { sampleRate: 48_000, agents: false } as const;
  track: AudioTrack | undefined;

  receiveRow(row: AudioRow): void {
    for (let index = 0; index < row.count; index++) {
      this.track?.write(row.entries[index]!.pcm).catch(() => {});
    }
  }
}

const tokens = { newest: "" };
let edge: LiveKitEdge | undefined;

await serveEchoes(async ({ url, room, token }) => {
  tokens.newest = token;
  // One edge for all calls, as in a program that serves many.
  edge ??= new LiveKitEdge({ url, token: () => tokens.newest, logger: silentLogger });
  const echo = new Echo();
  const connection = await edge.join(echo, await edge.createCall(room));
  echo.track = edge.createAudioTrack({ mode: "live" });
  await connection.publishTracks({ audio: echo.track });
  return () => connection.close();
});
Deno.exit();
