import { assertEquals } from "@std/assert";
import { VideoSlots, type VideoSource } from "../../../src/edges/local/child/video_slots.ts";
import { fakeTrack } from "./fakes.ts";

function camera(member: string, spokeAt = -Infinity): VideoSource {
  return { member, kind: "camera", track: fakeTrack("video"), agent: false, spokeAt };
}

function members(refs: ({ member: string } | null)[]): (string | undefined)[] {
  return refs.map((ref) => ref?.member);
}

Deno.test("screens come first, then agents, then who spoke last", () => {
  const sections = new VideoSlots(3);
  const { sections: shown, paused } = sections.choose([
    camera("silent"),
    camera("spoke", 1),
    camera("spoke later", 2),
    { ...camera("agent"), agent: true },
    { ...camera("presenter"), kind: "screen" },
  ]);
  assertEquals(members(shown), ["presenter", "agent", "spoke later"]);
  assertEquals(members(paused), ["spoke", "silent"]);
});

Deno.test("a person who keeps a place keeps their section, and only what changed is told", () => {
  const sections = new VideoSlots(2);
  const [ada, grace, linus] = [camera("ada", 1), camera("grace", 2), camera("linus", 0)];
  assertEquals(members(sections.choose([ada, grace, linus]).sections), ["grace", "ada"]);
  const { sections: shown, changes, changed } = sections.choose([
    ada,
    grace,
    { ...linus, spokeAt: 3 },
  ]);
  assertEquals(members(shown), ["grace", "linus"]);
  assertEquals(changes, [{ section: 1, track: linus.track }]);
  assertEquals(changed, true);
  assertEquals(sections.choose([ada, grace, { ...linus, spokeAt: 3 }]).changed, false);
});

Deno.test("a picture that ends empties its section, and a new track of the same kind fills it", () => {
  const sections = new VideoSlots(2);
  sections.choose([camera("ada")]);
  const { sections: shown, changes } = sections.choose([]);
  assertEquals(members(shown), [undefined, undefined]);
  assertEquals(changes, [{ section: 0, track: null }]);
  const again = camera("ada");
  assertEquals(sections.choose([again]).changes, [{ section: 0, track: again.track }]);
});
