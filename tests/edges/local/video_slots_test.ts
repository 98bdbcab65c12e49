import { assertEquals } from "@std/assert";
import { VideoSlots, type VideoSource } from "../../../src/edges/local/child/video_slots.ts";
import { fakeTrack } from "./fakes.ts";

function camera(participantId: string, spokeAt = -Infinity): VideoSource {
  return { participantId, kind: "camera", track: fakeTrack("video"), agent: false, spokeAt };
}

function participants(refs: ({ participantId: string } | null)[]): (string | undefined)[] {
  return refs.map((ref) => ref?.participantId);
}

Deno.test("VideoSlots prefers screens, then agents, then the latest speakers", () => {
  const slots = new VideoSlots(3);
  const { slots: shown, paused } = slots.choose([
    camera("silent"),
    camera("spoke", 1),
    camera("spoke later", 2),
    { ...camera("agent"), agent: true },
    { ...camera("presenter"), kind: "screen" },
  ]);
  assertEquals(participants(shown), ["presenter", "agent", "spoke later"]);
  assertEquals(participants(paused), ["spoke", "silent"]);
});

Deno.test("VideoSlots keeps a video in its slot, and returns only changes", () => {
  const slots = new VideoSlots(2);
  const [ada, grace, linus] = [camera("ada", 1), camera("grace", 2), camera("linus", 0)];
  assertEquals(participants(slots.choose([ada, grace, linus]).slots), ["grace", "ada"]);
  const { slots: shown, changes, changed } = slots.choose([
    ada,
    grace,
    { ...linus, spokeAt: 3 },
  ]);
  assertEquals(participants(shown), ["grace", "linus"]);
  assertEquals(changes, [{ slot: 1, track: linus.track }]);
  assertEquals(changed, true);
  assertEquals(slots.choose([ada, grace, { ...linus, spokeAt: 3 }]).changed, false);
});

Deno.test("VideoSlots empties the slot of a video that ends, and fills it with the next track", () => {
  const slots = new VideoSlots(2);
  slots.choose([camera("ada")]);
  const { slots: shown, changes } = slots.choose([]);
  assertEquals(participants(shown), [undefined, undefined]);
  assertEquals(changes, [{ slot: 0, track: null }]);
  const again = camera("ada");
  assertEquals(slots.choose([again]).changes, [{ slot: 0, track: again.track }]);
});
