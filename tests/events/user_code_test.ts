import { assertEquals, assertRejects } from "@std/assert";
import { guardedLogger, type Logger, silentLogger } from "../../src/events/logger.ts";
import {
  attempt,
  type Expected,
  isBoolean,
  promised,
  promiseIn,
  UserHook,
} from "../../src/events/user_code.ts";
import { waitFor } from "../../src/events/waiting.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import {
  failures,
  type SlipName,
  slipNames,
  slips,
  UnhandledRejections,
} from "../fixtures/slips.ts";

/** Slips that give a promise, or something that claims to be one. */
const promising: readonly SlipName[] = slipNames.filter((one) =>
  one !== "throws" && one !== "a number"
);

function setUp<T = void>(call: (what: T) => unknown) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const report = (error: unknown, context: string) => void told.push(`${context}: ${error}`);
  return { clock, told, hook: new UserHook<T>(call, { clock, report, context: "the hook" }) };
}

Deno.test("what a function returns is waited for where it is a promise, and only there", async () => {
  using unhandled = new UnhandledRejections();
  for (const name of promising) {
    const promise = promiseIn(slips[name]());
    assertEquals(promise instanceof Promise, true, name);
    promise!.catch(() => {});
    if (failures.includes(name)) await assertRejects(() => promise!, Error, "a slip", name);
  }
  for (const value of [undefined, null, 5, "text", {}, { then: 5 }, () => {}]) {
    assertEquals(promiseIn<unknown>(value), undefined);
  }
  await unhandled.assertNone("promiseIn");
});

Deno.test("a promise of its own kind whose then throws is a rejection", async () => {
  const odd = Object.assign(Promise.resolve(5), {
    then() {
      throw new Error("odd");
    },
  });
  await assertRejects(() => promiseIn<unknown>(odd)!, Error, "odd");
  await assertRejects(() => promised(() => odd as Promise<number>), Error, "odd");
});

Deno.test("a function that is called for nothing tells what went wrong, and throws nothing", async () => {
  using unhandled = new UnhandledRejections();
  for (const name of slipNames) {
    const errors: unknown[] = [];
    attempt(slips[name], (error) => void errors.push(error));
    await unhandled.assertNone(name);
    assertEquals(errors.length, failures.includes(name) ? 1 : 0, name);
  }
});

Deno.test("a hook that fails every 20 ms is told of once a second, with a count", async () => {
  for (const name of failures) {
    const { clock, told, hook } = setUp(slips[name]);
    for (let n = 0; n < 100; n++) {
      void hook.run();
      await clock.advance(20);
    }
    assertEquals(told, ["the hook: Error: a slip", "the hook (50 times): Error: a slip"], name);
  }
});

Deno.test("a hook says when it has finished, and never rejects", async () => {
  const gate = Promise.withResolvers<void>();
  const { told, hook } = setUp<number>((n) => n === 0 ? undefined : gate.promise);
  assertEquals(hook.run(0), undefined);
  const pending = hook.run(1);
  gate.reject(new Error("no"));
  assertEquals(await pending, undefined);
  assertEquals(told, ["the hook: Error: no"]);
});

Deno.test("a question is answered by what counts as an answer, and by no promise", async () => {
  using unhandled = new UnhandledRejections();
  for (const name of slipNames) {
    const { told, hook } = setUp(slips[name]);
    assertEquals(hook.ask(undefined, undefined, isBoolean), undefined, name);
    assertEquals(told.length, 1, name);
    await unhandled.assertNone(name);
  }
  for (const value of [true, false]) {
    const { told, hook } = setUp(() => value);
    assertEquals([hook.ask(undefined, undefined, isBoolean), told], [value, []]);
  }
  const { told, hook } = setUp(() => Promise.resolve(true));
  hook.ask(undefined, undefined, isBoolean);
  assertEquals(told, [
    "the hook: TypeError: expected true or false, got a promise, which is not waited for here",
  ]);
});

Deno.test("a question that may be answered later is, or comes to nothing", async () => {
  using unhandled = new UnhandledRejections();
  const positive: Expected<number> = {
    what: "a number > 9",
    is: (value): value is number => typeof value === "number" && value > 9,
  };
  for (const name of slipNames) {
    const { told, hook } = setUp(slips[name]);
    const answer = hook.askLater(undefined, undefined, positive);
    if (name === "never settles") continue;
    assertEquals(await answer, undefined, name);
    assertEquals(told.length, 1, name);
    await unhandled.assertNone(name);
  }
  assertEquals(setUp(() => 10).hook.askLater(undefined, undefined, positive), 10);
  const later = setUp(() => Promise.resolve(10)).hook.askLater(undefined, undefined, positive);
  assertEquals(await later, 10);
});

Deno.test("a wait takes what is no promise, and what is one in name only", async () => {
  using unhandled = new UnhandledRejections();
  const clock = new VirtualClock();
  for (const name of slipNames) {
    if (name === "throws") continue;
    const wait = waitFor(slips[name](), "it", { timeoutMs: 100, clock });
    if (name === "a number" || name === "a promise of a number") assertEquals(await wait, 5);
    else await assertRejects(() => clock.until(wait), Error, undefined, name);
    assertEquals(clock.pending, 0, name);
  }
  await unhandled.assertNone("waitFor");
});

Deno.test("a logger's failure is written to the console at most once a second", async () => {
  using unhandled = new UnhandledRejections();
  const { error } = console;
  try {
    for (const name of failures) {
      const lines: string[] = [];
      console.error = (line: string) => void lines.push(line);
      const clock = new VirtualClock();
      const logger = guardedLogger({ ...silentLogger, warn: slips[name] as Logger["warn"] }, clock);
      for (let n = 0; n < 10; n++) logger.warn("careful");
      await clock.advance(1000);
      assertEquals(lines, ["logger.warn: Error: a slip"], name);
      assertEquals(guardedLogger(logger, clock), logger);
    }
    await unhandled.assertNone("a logger");
  } finally {
    console.error = error;
  }
});
