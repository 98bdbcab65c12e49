/** An agent in LiveKit's rooms, over LiveKitEdge: see `contender_process.ts`. @module */
import {
  type AudioRow,
  type AudioTrack,
  type EdgeAgent,
  PcmChunk,
  silentLogger,
} from "@ringline/edge";
import { LiveKitEdge } from "@ringline/livekit";
import { contend } from "./contender_process.ts";

const FORMAT = { sampleRate: 48_000, channels: 1 } as const;

/** An agent that returns what it hears, once it has a live track. */
class BenchAgent implements EdgeAgent {
  readonly user = { id: "agent", name: "Agent" };
  readonly audioSubscription = { sampleRate: FORMAT.sampleRate, agents: false } as const;
  track: AudioTrack | undefined;

  receiveRow(row: AudioRow): void {
    for (let index = 0; index < row.count; index++) {
      this.track?.write(row.entries[index]!.pcm).catch(() => {});
    }
  }
}

const tokens = { newest: "" };
let edge: LiveKitEdge | undefined;

await contend(async ({ url, room, token, task }) => {
  tokens.newest = token;
  // One edge for all calls, as in a program that serves many.
  edge ??= new LiveKitEdge({ url, token: () => tokens.newest, logger: silentLogger });
  const agent = new BenchAgent();
  const connection = await edge.join(agent, await edge.createCall(room));
  const track = edge.createAudioTrack({ mode: task === "echo" ? "live" : "speech" });
  if (task === "echo") agent.track = track;
  await connection.publishTracks({ audio: track });
  const leave = () => connection.close();
  if (task === "echo") return { leave };
  return {
    leave,
    voice: {
      get queuedMs() {
        return track.bufferedMs;
      },
      write: (samples) => track.write(new PcmChunk(samples, FORMAT)),
      clear: () => void track.flush(),
    },
  };
});
