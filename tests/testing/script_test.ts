import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type {
  CallScript,
  NetworkConditions,
  ScriptedPerson,
} from "../../src/testing/simulator/script.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { tone } from "../../src/testing/sounds.ts";

const pcm = tone(200);
const fine: CallScript = {
  seed: 1,
  people: [{ userId: "anna" }],
  agent: () => ({ publishAudio: false }),
  endsAtMs: 1000,
};
const anna = (person: Partial<ScriptedPerson>): Partial<CallScript> => ({
  people: [{ userId: "anna", ...person }],
});
const over = (network: NetworkConditions) => anna({ network });
const none = undefined as never;

type Wrong = [change: Partial<CallScript>, error: typeof RangeError, message: string];

const wrong: Wrong[] = [
  [{ endsAtMs: none }, TypeError, "endsAtMs: expected a finite number >= 0, got undefined"],
  [{ endsAtMs: NaN }, RangeError, "endsAtMs: expected a finite number >= 0, got NaN"],
  [{ endsAtMs: -1 }, RangeError, "endsAtMs: expected a finite number >= 0, got -1"],
  [{ endsAtMs: Infinity }, RangeError, "endsAtMs: expected a finite number >= 0, got Infinity"],
  [{ agentJoinsAtMs: NaN }, RangeError, "agentJoinsAtMs: expected a finite number >= 0, got NaN"],
  [
    { participantWaitTimeoutMs: -5 },
    RangeError,
    "participantWaitTimeoutMs: expected a number >= 0, got -5",
  ],
  [{ agent: none }, TypeError, "agent: expected a function, got undefined"],
  [{ people: none }, TypeError, "people: expected a list, got undefined"],
  [{ people: [none] }, TypeError, "people[0]: expected an object, got undefined"],
  [anna({ userId: none }), TypeError, "people[0].userId: expected a string, got undefined"],
  [anna({ userId: "" }), RangeError, 'people[0].userId: expected a text, got ""'],
  [anna({ id: "" }), RangeError, 'people[0].id: expected a text, got ""'],
  [
    { people: [{ userId: "anna" }, { userId: "bert" }, { userId: "anna" }] },
    RangeError,
    'people[2].userId: expected another than people[0].userId, got "anna" twice',
  ],
  [
    { people: [{ userId: "anna" }, { userId: "bert", id: "anna" }] },
    RangeError,
    'people[1].id: expected another than people[0].userId, got "anna" twice',
  ],
  [
    anna({ joinsAtMs: -1 }),
    RangeError,
    "people[0].joinsAtMs: expected a finite number >= 0, got -1",
  ],
  [anna({ leavesAtMs: NaN }), RangeError, "people[0].leavesAtMs: expected a number >= 0, got NaN"],
  [
    anna({ joinsAtMs: 500, leavesAtMs: 500 }),
    RangeError,
    "people[0].leavesAtMs: expected a time after joinsAtMs (500), got 500",
  ],
  [
    anna({ trackDelayMs: -1 }),
    RangeError,
    "people[0].trackDelayMs: expected a number >= 0, got -1",
  ],
  [
    anna({ says: [{ atMs: 0, pcm }, { atMs: NaN, pcm }] }),
    RangeError,
    "people[0].says[1].atMs: expected a number >= 0, got NaN",
  ],
  [
    anna({ says: [{ atMs: -20, pcm }] }),
    RangeError,
    "people[0].says[0].atMs: expected a number >= 0, got -20",
  ],
  [
    anna({ says: [{ atMs: 1001, pcm }] }),
    RangeError,
    "people[0].says[0].atMs: expected at most endsAtMs (1000), got 1001",
  ],
  [
    anna({ says: [{ atMs: 0, pcm: none }] }),
    TypeError,
    "people[0].says[0].pcm: expected a PcmChunk, got undefined",
  ],
  [
    anna({ mutes: [[200, 100]] }),
    RangeError,
    "people[0].mutes[0][1]: expected at least 200, got 100",
  ],
  [
    over({ loss: 1.1 }),
    RangeError,
    "people[0].network.loss: expected a number from 0 to 1, got 1.1",
  ],
  [
    over({ loss: NaN }),
    RangeError,
    "people[0].network.loss: expected a number from 0 to 1, got NaN",
  ],
  [
    over({ loss: "5%" as never }),
    TypeError,
    'network.loss: expected a number from 0 to 1, got "5%"',
  ],
  [over({ reordering: -0.1 }), RangeError, "network.reordering: expected a number from 0 to 1"],
  [over({ duplication: 20 }), RangeError, "network.duplication: expected a number from 0 to 1"],
  [over({ burst: 0 }), RangeError, "network.burst: expected a finite number >= 1, got 0"],
  [over({ delayMs: NaN }), RangeError, "network.delayMs: expected a finite number >= 0, got NaN"],
  [over({ jitterMs: -1 }), RangeError, "network.jitterMs: expected a finite number >= 0, got -1"],
  [over({ bufferMs: NaN }), RangeError, "network.bufferMs: expected a finite number >= 0, got NaN"],
  [over({ cuts: [[NaN, 100]] }), RangeError, "network.cuts[0][0]: expected a finite number >= 0"],
  [
    over({ cuts: [100 as never] }),
    TypeError,
    "network.cuts[0]: expected [fromMs, untilMs], got 100",
  ],
  [{ reconnects: [[500, 400]] }, RangeError, "reconnects[0][1]: expected at least 500, got 400"],
  [{ stalls: [{ atMs: 0, forMs: NaN }] }, RangeError, "stalls[0].forMs: expected a finite number"],
  [
    { stalls: [{ atMs: 0, forMs: 100, backlog: "random" as never }] },
    TypeError,
    'stalls[0].backlog: expected "rows", "sinks" or "permuted", got "random"',
  ],
];

Deno.test("simulateCall rejects a wrong script before the call, by field and value", async () => {
  for (const [change, error, message] of wrong) {
    let made = false;
    const agent: CallScript["agent"] = () => {
      made = true;
      return {};
    };
    await assertRejects(() => simulateCall({ ...fine, agent, ...change }), error, message);
    assertEquals(made, false, message);
  }
  await assertRejects(() => simulateCall(none), TypeError, "script: expected an object");
});

Deno.test("simulateCall accepts the limits of a script's ranges", async () => {
  const record = await simulateCall({
    ...fine,
    people: [
      { userId: "anna", says: [{ atMs: 1000, pcm }], leavesAtMs: Infinity },
      { userId: "anna", id: "phone", mutes: [[0, Infinity]], trackDelayMs: Infinity },
      { userId: "bert", network: { loss: 0, reordering: 1, duplication: 1, delayMs: 0 } },
    ],
  });
  assertEquals(record.reason, "call-ended");
});

Deno.test("CallRecord names its participants when asked for another", async () => {
  const record = await simulateCall({
    ...fine,
    people: [{ userId: "anna" }, { userId: "bert", id: "phone" }],
    onJoined: ({ edge }) => {
      const [connection] = edge.connections;
      edge.enter(connection!.call, { userId: "carl", id: "guest" });
    },
  });
  const queries = [
    (id: string) => record.heardMs(id),
    (id: string) => record.gaps(id),
    (id: string) => record.bargeInToSilenceMs(id),
  ];
  for (const query of queries) {
    for (const id of ["anna", "phone", "guest"]) query(id);
    assertThrows(
      () => query("bert"),
      RangeError,
      'participantId: expected one of "anna", "phone", "guest", got "bert"',
    );
  }
  const empty = await simulateCall({ ...fine, people: [] });
  assertThrows(() => empty.heardMs("anna"), RangeError, 'the call had no participants, got "anna"');
});
