/** Each conversation event has a literal `type` of its own, so that a union of them narrows. */
import { assertEquals } from "@std/assert";
import {
  conversationEvents,
  SpeechStartedEvent,
  type SpeechStoppedEvent,
  type TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { EventManager } from "../../src/events/event_manager.ts";
import { TurnEndedEvent as TurnEnded } from "../../src/inference/contracts/events.ts";
import type { Participant } from "../../src/edge/types.ts";

const participant = { id: "p1", userId: "ann", kind: "person" } as unknown as Participant;

Deno.test("every conversation event has a type of its own", () => {
  const types = conversationEvents.map((one) => {
    const Event = one as unknown as new (init: object) => { type: string };
    return new Event({}).type;
  });
  assertEquals(new Set(types).size, conversationEvents.length);
});

Deno.test("a subscriber of two event classes narrows by type", () => {
  const events = new EventManager();
  events.register(...conversationEvents);
  const seen: string[] = [];
  events.subscribe([SpeechStartedEvent, TurnEnded], (event) => {
    // Neither line compiles unless `type` tells the classes apart.
    if (event.type === "turn-ended") seen.push(`${event.text} ${event.reason}`);
    else seen.push(`at ${event.atMs}`);
  });
  events.send(new SpeechStartedEvent({ participant, atMs: 5 }));
  events.send(new TurnEnded({ participant, text: "Hello.", reason: "silence" }));
  assertEquals(seen, ["at 5", "Hello. silence"]);
});

Deno.test("events of the same shape are different types", () => {
  // @ts-expect-error one tells that speech began, the other that it paused
  const wrong: SpeechStoppedEvent = new SpeechStartedEvent({ participant, atMs: 1 });
  assertEquals((wrong as { type: string }).type, "speech-started");
  assertEquals<TurnEndedEvent["type"]>("turn-ended", "turn-ended");
});
