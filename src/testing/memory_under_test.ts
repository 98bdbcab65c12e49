/** `MemoryEdge` under the conformance kit: an example to copy. @module */
import type { Call } from "../edge/call.ts";
import {
  type ConformanceParts,
  defaultParts,
  type EdgeUnderTest,
  type RemoteParticipant,
} from "./conformance/under_test.ts";
import type { MemoryParticipant } from "./memory_participant.ts";
import { audibleMs } from "./conformance/fixture.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { ConnectionError } from "../edge/errors.ts";
import { silentLogger } from "../events/logger.ts";
import { MemoryConnection } from "./memory_connection.ts";
import { MemoryEdge } from "./memory_edge.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { checkMethods, shown } from "../events/checks.ts";

/** The parts of the contract that {@linkcode memoryEdgeUnderTest} can show: all of them. */
export const memoryEdgeParts: Required<ConformanceParts> = {
  ...defaultParts,
  directedAudio: true,
  telephone: true,
  participantLoss: true,
  earlyAudio: true,
  networkLoss: true,
  negotiations: true,
  openResources: true,
};

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
  const numbers = { answered: "+49301", busy: "+49302", ringing: "+49303" };
  const refuse = (to: string) => {
    if (to === numbers.busy) throw new ConnectionError("the line is busy", { code: "busy" });
  };
  edge.onDial = async ({ to, call }) => {
    refuse(to);
    if (to === numbers.ringing) await new Promise(() => {});
    edge.enter(call, { userId: to });
  };
  edge.onTransfer = ({ to }) => refuse(to);
  return {
    edge,
    clock,
    enter: (call: Call, { userId }) => Promise.resolve(remote(edge.enter(call, { userId }), clock)),
    enterEarly: (call, { userId, trackDelayMs }) => {
      return Promise.resolve(remote(edge.enter(call, { userId, trackDelayMs }), clock));
    },
    numbers,
    dropNetwork: async (connection, lost) => await edge.dropNetwork(connection, lost),
    negotiations: (connection) =>
      connection instanceof MemoryConnection ? connection.negotiations : 0,
    openResources: () => edge.openRooms,
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
    get dtmf() {
      return participant.dtmf;
    },
    sendDtmf: async (digits) => await participant.sendDtmf(digits),
    speak: (pcm) => participant.speak(pcm),
    mute: async (muted) => await participant.mute(muted),
    sendCustomEvent: async (data) => await participant.sendCustomEvent(data),
    sendText: async (text) => await participant.sendText(text),
    loseNetwork: async () => await participant.loseNetwork(),
    regainNetwork: async () => await participant.regainNetwork(),
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
