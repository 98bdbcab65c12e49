import { assertEquals } from "@std/assert";
import { TrackType } from "../../../../src/edge/types.ts";
import type { Member } from "../../../../src/edges/getstream/child/call/call_roster.ts";
import { Subscriptions } from "../../../../src/edges/getstream/child/call/subscriptions.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

const LIMITS = { fps: 5, maxWidth: 320, maxHeight: 320 };

Deno.test("Subscriptions sends a change that comes at whatever moment of an update before", async () => {
  const track = (id: string) => [id, { id, type: TrackType.VIDEO, muted: false }] as const;
  const members = [{
    userId: "anna",
    sessionId: "s",
    isAgent: false,
    tracks: new Map([track("camera"), track("other")]),
  }] as unknown as Member[];
  for (let turns = 0; turns < 12; turns++) {
    let sent = -1;
    const subscriptions = new Subscriptions({
      clock: new VirtualClock(),
      members: () => members,
      send: (list) => Promise.resolve(void (sent = list.length)),
      canSend: () => true,
      onError: (error) => {
        throw error;
      },
      signal: new AbortController().signal,
    });
    subscriptions.set("camera", LIMITS);
    for (let turn = 0; turn < turns; turn++) await undefined;
    subscriptions.set("other", LIMITS);
    for (let turn = 0; turn < 30; turn++) await undefined;
    assertEquals(sent, 2, `after ${turns} turns`);
  }
});
