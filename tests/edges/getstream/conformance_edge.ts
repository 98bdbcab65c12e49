/** GetStreamEdge on a double, for the conformance kit. @module */
import type { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import type { JsonValue, TrackType } from "../../../src/edge/types.ts";
import { CustomEventReader, toCustomObjects } from "../../../src/edges/getstream/custom_events.ts";
import type {
  EdgeUnderTest,
  RemoteParticipant,
} from "../../../src/testing/conformance/under_test.ts";
import { StreamDouble } from "./double/stream_double.ts";
import type { Body } from "./double/body.ts";
import { edgeOn } from "./_fixture.ts";

export async function getStreamEdgeUnderTest(): Promise<EdgeUnderTest> {
  const double = await StreamDouble.start();
  // Long enough to come back, short enough to wait for.
  const edge = edgeOn(double, { participantGraceMs: 1000 });
  const participants = new Set<DoubleParticipant>();
  double.sfu.onHeard = ({ cid, ms }) => {
    for (const participant of participants) if (participant.cid === cid) participant.heardMs += ms;
  };
  double.onEvent = (cid, event) => {
    if (event.type !== "custom") return;
    for (const participant of participants) {
      if (participant.cid === cid) participant.onCustomEvent(event);
    }
  };
  return {
    edge,
    enter: async (call, { userId }) => {
      const cid = `${call.type}:${call.id}`;
      const sessionId = await double.addPerson(cid, userId);
      await double.sfu.command("reportHeard", { cid });
      const participant = new DoubleParticipant(double, cid, userId, sessionId);
      await participant.command("speak", { amplitude: 0 });
      participants.add(participant);
      return participant;
    },
    dropNetwork: async (_connection, lost) => await double.sfu.command("offline", { on: lost }),
    openResources: async () => {
      const members = await double.sfu.command<{ edges: string[] }[]>("members", {
        cid: "default:kit",
      });
      const inCall = members.filter(({ edges }) => edges.length > 0).length;
      const process = edge.mediaProcessId === undefined ? 0 : 1;
      return inCall + process + double.watchersOf("default:kit");
    },
    [Symbol.asyncDispose]: async () => {
      await edge.close();
      const { faults } = await double.report();
      const all = [...faults, ...double.faults];
      await double[Symbol.asyncDispose]();
      if (all.length > 0) throw new Error(`the double found faults: ${all.join("; ")}`);
    },
  };
}

class DoubleParticipant implements RemoteParticipant {
  heardMs = 0;
  readonly customEvents: JsonValue[] = [];
  readonly #reader = new CustomEventReader();

  constructor(
    readonly double: StreamDouble,
    readonly cid: string,
    readonly userId: string,
    readonly participantId: string,
    /** Their session now: a client that rejoins has another one. */
    public sessionId: string = participantId,
  ) {}

  async command(name: string, params: Record<string, unknown> = {}): Promise<void> {
    const { cid, sessionId } = this;
    await this.double.sfu.command(name, { cid, sessionId, ...params });
  }

  async speak({ samples, sampleRate, channels }: PcmChunk): Promise<void> {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.command("say", { samples: bytes.toBase64(), sampleRate, channels });
  }

  async mute(muted: boolean): Promise<void> {
    await this.command("setMuted", { muted });
  }

  sendCustomEvent(data: JsonValue): Promise<void> {
    for (const custom of toCustomObjects(data)) {
      this.double.emit(this.cid, { type: "custom", custom, user: { id: this.userId } });
    }
    return Promise.resolve();
  }

  sendText(text: string): Promise<void> {
    const custom = { ringline_text: text };
    this.double.emit(this.cid, { type: "custom", custom, user: { id: this.userId } });
    return Promise.resolve();
  }

  onCustomEvent(event: Body): void {
    if (event.user.id === this.userId) return;
    const data = this.#reader.read(event.custom);
    if (data !== undefined) this.customEvents.push(data);
  }

  async publishVideo(type: TrackType.VIDEO | TrackType.SCREEN_SHARE): Promise<AsyncDisposable> {
    await this.command("show", { type });
    return { [Symbol.asyncDispose]: () => this.command("unpublish", { type }) };
  }

  loseNetwork(): Promise<void> {
    return this.command("removePerson");
  }

  async regainNetwork(): Promise<void> {
    this.sessionId = await this.double.addPerson(this.cid, this.userId);
    await this.command("speak", { amplitude: 0 });
  }

  async leave(): Promise<void> {
    await this.command("removePerson").catch(() => {});
  }
}
