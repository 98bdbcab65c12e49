/** The start of a conversation's components. */
import { assertEquals, assertRejects } from "@std/assert";
import { silentLogger } from "../../src/events/logger.ts";
import { type Component, startComponents } from "../../src/inference/contracts/component.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

function setUp() {
  const closed: string[] = [];
  const component = (name: string, start: () => void | Promise<void>): Component => ({
    name,
    start,
    close: () => void closed.push(name),
  });
  const abort = new AbortController();
  const context = { clock: new VirtualClock(), logger: silentLogger, signal: abort.signal };
  return { closed, component, abort, context };
}

Deno.test("a component that never gets ready does not keep another's failure back", async () => {
  const { closed, component, context } = setUp();
  const hanging = Promise.withResolvers<void>();
  const failing = Promise.withResolvers<void>();
  const starting = startComponents([
    component("quick", () => {}),
    component("hanging", () => hanging.promise),
    component("failing", () => failing.promise),
  ], context);
  failing.reject(new Error("bad key"));
  await assertRejects(() => starting, Error, "bad key");
  assertEquals(closed, ["quick"]);
  // Who gets ready all the same is closed then.
  hanging.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(closed, ["quick", "hanging"]);
});

Deno.test("a start that is given up waits for no component", async () => {
  const { closed, component, abort, context } = setUp();
  const starting = startComponents([
    component("quick", () => {}),
    component("hanging", () => new Promise(() => {})),
  ], context);
  await Promise.resolve();
  abort.abort(new Error("no time"));
  await assertRejects(() => starting, Error, "no time");
  assertEquals(closed, ["quick"]);
});
