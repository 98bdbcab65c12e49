import type { Call } from "../edge/call.ts";
import type { EdgeUnderTest, RemoteParticipant } from "./conformance/under_test.ts";
import type { MemoryParticipant } from "./memory_participant.ts";
import { audibleMs } from "./conformance/fixture.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { silentLogger } from "../events/logger.ts";
import { MemoryConnection } from "./memory_connection.ts";
import { MemoryEdge } from "./memory_edge.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { checkMethods, shown } from "../events/checks.ts";

/** Returns a {@linkcode MemoryEdge} on a virtual clock for the conformance kit; an example to copy. */
export function memoryEdgeUnderTest(
  make: (clock: VirtualClock) => MemoryEdge = (clock) =>
    new MemoryEdge({ clock, logger: silentLogger }),
): EdgeUnderTest {
  if (typeof make !== "function") {
    throw new TypeError(`make: expected a function that creates a MemoryEdge, got ${shown(make)}`);
  }
  const clock = new VirtualClock();
  const edge = make(clock);
  checkMethods(edge, "make", "a function that returns a MemoryEdge", ["enter", "dropNetwork"]);
  return {
    edge,
    clock,
    enter: (call: Call, { userId }) => Promise.resolve(remote(edge.enter(call, { userId }), clock)),
    enterEarly: (call, { userId, trackDelayMs }) => {
      return Promise.resolve(remote(edge.enter(call, { userId, trackDelayMs }), clock));
    },
    endCall: async (call) => await edge.endCall(call),
    dropNetwork: async (connection, lost) => await edge.dropNetwork(connection, lost),
    negotiations: (connection) =>
      connection instanceof MemoryConnection ? connection.negotiations : 0,
    [Symbol.asyncDispose]: () => edge.close(),
  };
}

function remote(participant: MemoryParticipant, clock: VirtualClock): RemoteParticipant {
  let heardMs = 0;
  participant.onAudio = (samples) => {
    heardMs += audibleMs(new PcmChunk(samples, { sampleRate: 48_000 }));
  };
  return {
    participantId: participant.id,
    get heardMs() {
      return heardMs;
    },
    customEvents: participant.customEvents,
    speak: (pcm) => participant.speak(pcm),
    mute: async (muted) => await participant.mute(muted),
    sendCustomEvent: async (data) => await participant.sendCustomEvent(data),
    leave: async () => await participant.leave(),
    publishVideo: (type) => {
      const video = participant.publishVideo(type);
      let timer: Disposable;
      const show = () => {
        const data = new Uint8Array(16);
        video.push({ format: "RGBA", width: 2, height: 2, data, timestampMs: clock.now() });
        timer = clock.schedule(show, 40);
      };
      show();
      return Promise.resolve({
        [Symbol.asyncDispose]: async () => {
          timer[Symbol.dispose]();
          await video.remove();
        },
      });
    },
  };
}
