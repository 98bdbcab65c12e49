/** The front desk in simulated calls: no key, no microphone, no waiting. */
import { assert, assertEquals } from "@std/assert";
import {
  type CallRecord,
  FakeSTT,
  FakeTTS,
  simulateCall,
  type Simulation,
  speechLike,
} from "@ringline/edge/testing";
import { FrontDesk } from "./front_desk.ts";

/** A guest's sentence, and when they say it. */
type Sentence = [atMs: number, text: string];

interface Outcome {
  record: CallRecord;
  desk: FrontDesk;
  transcript: string[];
}

/** Calls the front desk and says some sentences. */
async function guestCalls(
  says: readonly Sentence[],
  { endsAtMs = 60_000, prepare = () => {} }: {
    endsAtMs?: number;
    prepare?: (simulation: Simulation) => void;
  } = {},
): Promise<Outcome> {
  const transcript: string[] = [];
  const desk = new FrontDesk({
    person: "+49 30 123456",
    save: (text) => void transcript.push(...text.trimEnd().split("\n")),
  });
  const record = await simulateCall({
    seed: 1,
    people: [{
      userId: "guest",
      says: says.map(([atMs], seed) => ({ atMs, pcm: speechLike(1200, { seed }) })),
      network: { delayMs: 60, jitterMs: 30, loss: 0.02 },
    }],
    agent: (simulation) => {
      prepare(simulation);
      const { clock } = simulation;
      return {
        ...desk.agentOptions,
        stt: new FakeSTT(clock, says.map(([, text]) => ({ text, delayMs: 150 }))),
        tts: new FakeTTS(clock, { firstByteMs: 100 }),
      };
    },
    onJoined: ({ agent }) => desk.serve(agent),
    endsAtMs,
  });
  assertEquals(record.errors, []);
  return { record, desk, transcript };
}

const GREETING = "Desk: Harbour Hotel, good day. What can I do for you?";

Deno.test("the front desk greets, tells a price, books, and hangs up after the goodbye", async () => {
  const { record, desk, transcript } = await guestCalls([
    [5000, "How much is a room for two nights?"],
    [11_000, "Book a room for three nights."],
    [18_000, "That is all, thank you."],
  ]);
  assertEquals(transcript, [
    GREETING,
    "Guest: How much is a room for two nights?",
    'Tool: room_price({"nights":2}): A room for two nights is 160 euros.',
    "Desk: A room for two nights is 160 euros.",
    "Guest: Book a room for three nights.",
    'Tool: book_room({"nights":3}): I have booked a room for three nights. It is 240 euros.',
    "Desk: I have booked a room for three nights. It is 240 euros.",
    "Guest: That is all, thank you.",
    "Tool: end_call({}): Thank you for calling. Good bye!",
    "Desk: Thank you for calling. Good bye!",
  ]);
  assertEquals([...desk.bookings.values()], [3]);
  // The guest hears the whole goodbye, and with it the call is over.
  const { untilMs } = record.heardBy.get("guest")!.list.at(-1)!;
  assertEquals([record.state, record.reason], ["closed", "call-ended"]);
  assert(Math.abs(record.durationMs - untilMs) < 300, record.timeline());
});

Deno.test("the front desk books what it was told, although the guest goes on speaking", async () => {
  const { desk } = await guestCalls([
    [5000, "Book a room for two nights."],
    [8000, "Wait, wait!"],
    [13_000, "Good bye."],
  ]);
  assertEquals([...desk.bookings.values()], [2]);
});

Deno.test("the front desk hands over to the restaurant, which books a table and ends the call", async () => {
  const { record, desk, transcript } = await guestCalls([
    [5000, "Put me through to the restaurant, please."],
    [11_000, "A table for four."],
    [16_000, "That is all, thank you."],
  ]);
  assertEquals(transcript, [
    GREETING,
    "Guest: Put me through to the restaurant, please.",
    "Tool: hand_over_to_restaurant({}): handed over to Restaurant",
    "Restaurant: Harbour Restaurant. A table for how many?",
    "Guest: A table for four.",
    'Tool: book_table({"people":4}): Your table for four is booked.',
    "Restaurant: Your table for four is booked.",
    "Guest: That is all, thank you.",
    "Tool: end_call({}): Thank you for calling. Good bye!",
    "Restaurant: Thank you for calling. Good bye!",
  ]);
  assertEquals([...desk.tables.values()], [4]);
  assertEquals(record.reason, "call-ended");
});

Deno.test("the front desk connects a guest to a person", async () => {
  const transferred: [to: string, guest: string][] = [];
  const { record, transcript } = await guestCalls([[5000, "Let me talk to a person."]], {
    prepare: ({ edge }) => {
      edge.onTransfer = ({ to, participant }) => void transferred.push([to, participant.id]);
    },
  });
  assertEquals(transferred, [["+49 30 123456", "guest"]]);
  assertEquals(transcript.at(-1), "Desk: One moment, I will connect you.");
  assertEquals(record.reason, "left");
  assert(record.agentLeftAtMs! < 11_000, record.timeline());
});

Deno.test("the front desk says whom to call where it cannot connect", async () => {
  const { record, transcript } = await guestCalls([
    [5000, "Let me talk to a person."],
    [16_000, "Good bye."],
  ], {
    prepare: ({ edge }) => {
      edge.onTransfer = () => {
        throw new TypeError("this edge cannot transfer a call");
      };
    },
  });
  assertEquals(transcript.slice(1), [
    "Guest: Let me talk to a person.",
    "Tool: connect_to_person({}): One moment, I will connect you.",
    "Desk: One moment, I will connect you.",
    "Desk: I cannot connect you from here. Please call +49 30 123456.",
    "Guest: Good bye.",
    "Tool: end_call({}): Thank you for calling. Good bye!",
    "Desk: Thank you for calling. Good bye!",
  ]);
  assertEquals(record.reason, "call-ended");
});

Deno.test("the front desk asks a silent guest, and hangs up on one who is gone", async () => {
  const { record, transcript } = await guestCalls([]);
  assertEquals(transcript, [
    GREETING,
    "Desk: Are you still there?",
    "Desk: I cannot hear you. Good bye!",
  ]);
  assertEquals(record.reason, "call-ended");
  // The greeting, twice fifteen seconds, and two sentences.
  assert(record.durationMs > 33_000 && record.durationMs < 40_000, record.timeline());
});

Deno.test("the front desk goes on with a guest who is still there", async () => {
  const { transcript } = await guestCalls([[20_500, "How much is a room?"]], { endsAtMs: 44_000 });
  assertEquals(transcript, [
    GREETING,
    "Desk: Are you still there?",
    "Guest: How much is a room?",
    'Tool: room_price({"nights":1}): A room for one night is 80 euros.',
    "Desk: A room for one night is 80 euros.",
    "Desk: Are you still there?",
  ]);
});

Deno.test("the front desk stays when its goodbye is interrupted", async () => {
  const { record, desk, transcript } = await guestCalls([
    [5000, "Good bye."],
    [7600, "Wait, book a room for one night."],
    [16_000, "Good bye."],
  ]);
  assertEquals([...desk.bookings.values()], [1]);
  assert(/^Desk: Thank you.* \.\.\.$/.test(transcript[3]!), transcript.join("\n"));
  assertEquals(record.reason, "call-ended");
});
