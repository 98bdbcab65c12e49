import { ParticipantInfo, ParticipantInfo_State, TrackInfo, TrackType } from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { CallRoster } from "../../../../src/edges/livekit/child/call/call_roster.ts";
import { Subscriptions } from "../../../../src/edges/livekit/child/call/subscriptions.ts";
import type { ClientMessage } from "../../../../src/edges/livekit/child/signal/signal_socket.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

const SMALL = { fps: 2, maxWidth: 320, maxHeight: 240 };

function fixture({ hearsAgents = false } = {}) {
  const log: string[] = [];
  const state = { canSend: true };
  const roster = new CallRoster({
    emit: () => {},
    graceMs: 0,
    clock: new VirtualClock(),
    onChange: () => {},
    onUpdate: () => {},
    onError: () => {},
  });
  const subscriptions = new Subscriptions({
    members: () => roster.members,
    hearsAgents,
    send: (message) => void log.push(describe(message)),
    canSend: () => state.canSend,
    onEncrypted: ({ identity }) => void log.push(`${identity} is encrypted`),
  });
  const enter = (identity: string, kind: number, tracks: Partial<TrackInfo>[]) =>
    roster.update([
      new ParticipantInfo({
        identity,
        kind,
        sid: identity,
        state: ParticipantInfo_State.ACTIVE,
        tracks: tracks.map((one) => new TrackInfo(one)),
      }),
    ]);
  return { roster, subscriptions, state, enter, take: () => log.splice(0) };
}

function describe({ case: name, value }: ClientMessage): string {
  if (name === "subscription") return `${value.subscribe ? "+" : "-"}${value.trackSids}`;
  if (name === "trackSetting") {
    const { trackSids, width, height, fps, disabled } = value;
    return `${trackSids} ${width}x${height} at ${fps}${disabled ? " disabled" : ""}`;
  }
  return `${name}`;
}

const audio = (sid: string, more: Partial<TrackInfo> = {}) => ({
  sid,
  type: TrackType.AUDIO,
  ...more,
});
const video = (sid: string) => ({ sid, type: TrackType.VIDEO });

Deno.test("Subscriptions repeats the settings of pictures to a session with another socket", () => {
  const { subscriptions, enter, take } = fixture();
  enter("anna", 0, [audio("A"), video("V")]);
  subscriptions.set("V", SMALL);
  take();
  subscriptions.resumed();
  assertEquals([take(), subscriptions.sids], [["V 320x240 at 2"], ["A", "V"]]);
});

Deno.test("Subscriptions takes people's sound, and pictures only when and as the agent wants", () => {
  const { subscriptions, enter, take } = fixture();
  enter("anna", 0, [audio("A"), video("V")]);
  enter("bot", 4, [audio("B")]);
  subscriptions.update();
  assertEquals(take(), ["+A"]);
  subscriptions.set("V", SMALL);
  assertEquals(take(), ["+V", "V 320x240 at 2"]);
  subscriptions.set("V", { ...SMALL, fps: 4.5 });
  subscriptions.set("V", { ...SMALL, fps: 4.5 });
  assertEquals(take(), ["V 320x240 at 5"]);
  subscriptions.set("V", undefined);
  assertEquals([take(), subscriptions.sids], [["-V"], ["A"]]);
});

Deno.test("Subscriptions takes other agents' sound where the agent asks for it", () => {
  const { subscriptions, enter, take } = fixture({ hearsAgents: true });
  enter("bot", 4, [audio("B")]);
  subscriptions.update();
  assertEquals(take(), ["+B"]);
});

Deno.test("Subscriptions leaves encrypted tracks out, and says so once", () => {
  const { subscriptions, enter, take } = fixture();
  enter("anna", 0, [audio("A", { encryption: 1 })]);
  subscriptions.update();
  subscriptions.update();
  assertEquals(take(), ["anna is encrypted"]);
});

Deno.test("Subscriptions waits while nothing can be sent, and begins anew with a session", () => {
  const { subscriptions, enter, state, take, roster } = fixture();
  state.canSend = false;
  enter("anna", 0, [audio("A"), video("V")]);
  subscriptions.set("V", SMALL);
  assertEquals(take(), []);
  state.canSend = true;
  subscriptions.update();
  assertEquals(take(), ["+A,V", "V 320x240 at 2"]);
  subscriptions.reset();
  subscriptions.update();
  assertEquals(take(), ["+A,V", "V 320x240 at 2"]);
  const gone = { state: ParticipantInfo_State.DISCONNECTED };
  roster.update([new ParticipantInfo({ identity: "anna", sid: "anna", ...gone })]);
  subscriptions.update();
  assertEquals(take(), ["-A,V"]);
});
