import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { shown } from "../../src/events/checks.ts";
import { describeError, messageOf } from "../../src/events/error_text.ts";
import { EventManager } from "../../src/events/event_manager.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { UserHook } from "../../src/events/user_code.ts";
import { EdgeEvents } from "../../src/edge/edge_events.ts";
import { ErrorEvent, ParticipantJoinedEvent } from "../../src/edge/events.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { unreadable } from "../fixtures/slips.ts";

const unreadables = Object.values(unreadable).map((make) => make());

Deno.test("whatever is thrown can be told", () => {
  const told: [unknown, message: string, described: string][] = [
    [new TypeError("no"), "no", "TypeError: no"],
    ["no", "no", "no"],
    [undefined, "undefined", "undefined"],
    [Symbol("no"), "Symbol(no)", "Symbol(no)"],
    [{ message: "no", code: 5 }, "no", "no"],
    [{ code: 5 }, "an object", "an object"],
    [{ toString: () => "no" }, "no", "no"],
  ];
  for (const [thrown, message, described] of told) {
    assertEquals([messageOf(thrown), describeError(thrown)], [message, described]);
  }
  for (const thrown of unreadables) {
    assertEquals(messageOf(thrown), "an error that cannot be read");
    assertEquals(describeError(thrown), "an error that cannot be read");
  }
});

Deno.test("what came instead of an argument can be told", () => {
  async function* ids(): AsyncGenerator<string> {}
  assertEquals(shown(ids()), "AsyncGenerator");
  assertEquals(shown(unreadable.object()), "an object");
  assertEquals(shown(unreadable.proxy()), "an object that cannot be read");
});

Deno.test("an error without a listener is logged, also one that cannot be read", () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  using events = new EdgeEvents({ clock: new VirtualClock(), logger });
  for (const error of unreadables) events.emit(new ErrorEvent({ error, context: "a hook" }));
  assertEquals(lines, unreadables.map(() => "a hook: an error that cannot be read"));
});

Deno.test("a subscriber may throw what cannot be read", () => {
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  using events = new EdgeEvents({
    clock: new VirtualClock(),
    logger: { ...silentLogger, error: note },
  });
  let told = 0;
  events.subscribe(ErrorEvent, ({ error }) => {
    told++;
    throw error;
  });
  for (const error of unreadables) {
    using _subscription = events.subscribe(ParticipantJoinedEvent, () => {
      throw error;
    });
    events.emit(Object.create(ParticipantJoinedEvent.prototype));
  }
  assertEquals(told, unreadables.length);
  assertEquals(lines.length, unreadables.length);
  assertStringIncludes(lines[0]!, "ErrorEvent failed: an error that cannot be read");
});

Deno.test("a report that fails ends nothing: the console is told", () => {
  const original = console.error;
  const lines: unknown[] = [];
  console.error = (line: unknown) => void lines.push(line);
  try {
    for (const error of unreadables) {
      const fail = () => {
        throw error;
      };
      const hook = new UserHook(fail, {
        clock: new VirtualClock(),
        report: fail,
        context: "a hook",
      });
      assertEquals(hook.run(), undefined);
      using events = new EventManager({ onError: fail });
      events.register(Date);
      events.subscribe(Date, fail);
      events.send(new Date());
    }
  } finally {
    console.error = original;
  }
  const line = "an error that cannot be read";
  assertEquals(lines, unreadables.flatMap(() => [`a hook: ${line}`, line]));
});

Deno.test("subscribing to no class, with no function, names what came", () => {
  using events = new EventManager();
  const wrong = (classes: unknown, handler: unknown) => () =>
    events.subscribe(classes as typeof Date, handler as () => void);
  assertThrows(wrong(null, () => {}), TypeError, "a class or a list of them, got null");
  assertThrows(wrong(Object.create(null), () => {}), TypeError, "list of them, got an object");
  assertThrows(wrong(Date, Object.create(null)), TypeError, "a function, got an object");
  const one = Object.create(null) as typeof Date;
  assertThrows(() => events.register(one), TypeError, "classes, got an object");
  assertThrows(wrong([one], () => {}), TypeError, "unknown event class an object");
});
