import { assert, assertEquals, assertThrows } from "@std/assert";
import { EventManager } from "../../src/events/event_manager.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

class Rang {
  constructor(readonly n: number) {}
}
class Fell {
  constructor(readonly what: string) {}
}

function setUp(options: { queueSize?: number } = {}) {
  const clock = new VirtualClock();
  const failures: unknown[] = [];
  const events = new EventManager({
    ...options,
    clock,
    onError: (error) => failures.push(error),
  });
  events.register(Rang, Fell);
  return { clock, events, failures };
}

Deno.test("a subscriber is called synchronously, with the events of its classes only", () => {
  const { events } = setUp();
  const rang: number[] = [];
  const both: object[] = [];
  using _one = events.subscribe(Rang, (event) => void rang.push(event.n));
  using _two = events.subscribe([Rang, Fell], (event) => void both.push(event));
  events.send(new Rang(1));
  events.send(new Fell("tree"));
  assertEquals(rang, [1]);
  assertEquals(both, [new Rang(1), new Fell("tree")]);
});

Deno.test("a disposed subscription is not called again", () => {
  const { events } = setUp();
  const seen: number[] = [];
  {
    using _subscription = events.subscribe(Rang, (event) => void seen.push(event.n));
    events.send(new Rang(1));
    assert(events.has(Rang));
  }
  events.send(new Rang(2));
  assertEquals(seen, [1]);
  assert(!events.has(Rang));
});

Deno.test("an unknown class is an error for subscribers and for senders", () => {
  const { events } = setUp();
  class Unknown {}
  assertThrows(() => events.send(new Unknown()), TypeError, "unknown event class Unknown");
  assertThrows(() => events.subscribe(Unknown, () => {}), TypeError, "Rang, Fell");
  assertThrows(() => events.subscribe([Rang, Unknown], () => {}), TypeError, "Unknown");
  assert(!events.has(Rang));
});

Deno.test("a subscriber that throws harms no other and is reported", () => {
  const { events, failures } = setUp();
  const seen: number[] = [];
  using _bad = events.subscribe(Rang, () => {
    throw new Error("bad");
  });
  using _good = events.subscribe(Rang, (event) => void seen.push(event.n));
  events.send(new Rang(1));
  events.send(new Rang(2));
  assertEquals(seen, [1, 2]);
  assertEquals(failures.map(String), ["Error: bad", "Error: bad"]);
});

Deno.test("a subscriber whose promise rejects is reported and goes on", async () => {
  const { events, failures, clock } = setUp();
  using _bad = events.subscribe(Rang, (event) => Promise.reject(new Error(`bad ${event.n}`)));
  events.send(new Rang(1));
  events.send(new Rang(2));
  await clock.advance(0);
  assertEquals(failures.map(String), ["Error: bad 1", "Error: bad 2"]);
});

Deno.test("a slow subscriber gets its events one after another and delays no other", async () => {
  const { events, clock } = setUp();
  const log: string[] = [];
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  using _slow = events.subscribe(Rang, async (event) => {
    log.push(`slow ${event.n} begins`);
    await gates[event.n - 1]!.promise;
    log.push(`slow ${event.n} ends`);
  });
  using _quick = events.subscribe(Rang, (event) => void log.push(`quick ${event.n}`));
  for (const n of [1, 2, 3]) events.send(new Rang(n));
  assertEquals(log, ["slow 1 begins", "quick 1", "quick 2", "quick 3"]);
  for (const gate of gates.toReversed()) gate.resolve();
  await clock.advance(0);
  assertEquals(log.slice(4), [
    "slow 1 ends",
    "slow 2 begins",
    "slow 2 ends",
    "slow 3 begins",
    "slow 3 ends",
  ]);
  events.send(new Rang(3));
  assertEquals(log.at(-2), "slow 3 begins");
});

Deno.test("a queue that is full drops the oldest, counts, and says so once a second", async () => {
  const { events, clock, failures } = setUp({ queueSize: 2 });
  const seen: number[] = [];
  const gate = Promise.withResolvers<void>();
  using _slow = events.subscribe(Rang, async (event) => {
    seen.push(event.n);
    await gate.promise;
  });
  for (let n = 0; n < 10; n++) events.send(new Rang(n));
  assertEquals(failures.length, 1);
  await clock.advance(1000);
  events.send(new Rang(10));
  assertEquals(failures.map(String), [
    "Error: a slow subscriber missed 1 events (1 in all), last Rang",
    "Error: a slow subscriber missed 7 events (8 in all), last Rang",
  ]);
  gate.resolve();
  await clock.advance(0);
  assertEquals(seen, [0, 9, 10]);
});

Deno.test("subscribing and unsubscribing while an event is sent disturbs no other subscriber", () => {
  const { events } = setUp();
  const log: string[] = [];
  const first = events.subscribe(Rang, () => {
    log.push("first");
    first[Symbol.dispose]();
    events.subscribe(Rang, () => void log.push("late"));
  });
  events.subscribe(Rang, () => void log.push("second"));
  events.send(new Rang(1));
  assertEquals(log, ["first", "second"]);
  events.send(new Rang(2));
  assertEquals(log, ["first", "second", "second", "late"]);
});

Deno.test("a subscriber disposed by an earlier one is not called any more", () => {
  const { events } = setUp();
  const log: string[] = [];
  events.subscribe(Rang, () => second[Symbol.dispose]());
  const second = events.subscribe(Rang, () => void log.push("second"));
  events.send(new Rang(1));
  assertEquals(log, []);
});

Deno.test("a closed manager sends nothing and forgets what waited", async () => {
  const { events, clock } = setUp();
  const seen: number[] = [];
  const gate = Promise.withResolvers<void>();
  events.subscribe(Rang, async (event) => {
    seen.push(event.n);
    await gate.promise;
  });
  events.send(new Rang(1));
  events.send(new Rang(2));
  events.close();
  events.close();
  gate.resolve();
  await clock.advance(0);
  events.send(new Rang(3));
  events.subscribe(Rang, (event) => void seen.push(event.n))[Symbol.dispose]();
  assertEquals(seen, [1]);
});

Deno.test("an onError that throws harms no subscriber", () => {
  const events = new EventManager({
    onError: () => {
      throw new Error("worse");
    },
  });
  const original = console.error;
  const said: unknown[] = [];
  console.error = (what: unknown) => said.push(what);
  try {
    events.register(Rang);
    events.subscribe(Rang, () => {
      throw new Error("bad");
    });
    events.send(new Rang(1));
  } finally {
    console.error = original;
  }
  assertEquals(said.map(String), ["Error: worse"]);
});

Deno.test("wrong arguments are refused", () => {
  const { events } = setUp();
  assertThrows(() => new EventManager({ queueSize: 0 }), RangeError, "queueSize");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => events.subscribe(Rang, "x" as any), TypeError, "function");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => events.register("x" as any), TypeError, "classes");
});
