import { assertEquals } from "@std/assert";
import { Call } from "../../../src/edge/call.ts";
import { EdgeEvents } from "../../../src/edge/edge_events.ts";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { RunningServer, type StartPageOptions } from "../../../src/edges/local/server.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { failures, slipNames, slips, UnhandledRejections } from "../../fixtures/slips.ts";

Deno.test("RunningServer reports failures of onCall, and ends the calls that wait", async () => {
  using unhandled = new UnhandledRejections();
  for (const slipName of slipNames) {
    const clock = new VirtualClock();
    const events = new EdgeEvents({ clock });
    const errors: string[] = [];
    events.subscribe(ErrorEvent, ({ context }) => void errors.push(context));
    const sentAway: string[] = [];
    const server = new RunningServer({
      onCall: slips[slipName] as StartPageOptions["onCall"],
      events,
      clock,
      open: () => Promise.reject(new Error("not here")),
      secret: "A".repeat(22),
      endUnanswered: ({ id }) => Promise.resolve(void sentAway.push(id)),
      onClosed: () => {},
    });
    for (const id of ["one", "two"]) server.handleCall(new Call({ id }));
    await unhandled.assertNone(slipName);
    const isTold = failures.includes(slipName);
    assertEquals(sentAway, isTold ? ["one", "two"] : [], slipName);
    assertEquals(errors, isTold ? ["onCall of one", "onCall of two"] : [], slipName);
    await server.close();
  }
});

Deno.test("RunningServer passes on what it has accepted after it is closed, and ends the rest", async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const asked = Promise.withResolvers<boolean>();
  const events = new EdgeEvents({ clock });
  events.subscribe(ErrorEvent, ({ context }) => void log.push(context));
  const server = new RunningServer({
    accept: ({ id }) => id === "late" ? asked.promise : true,
    onCall: ({ id }) => void log.push(`${id} begins`),
    onDropped: ({ id }) => void log.push(`${id} is dropped`),
    events,
    clock,
    open: () => Promise.reject(new Error("not here")),
    secret: "A".repeat(22),
    endUnanswered: ({ id }) => Promise.resolve(void log.push(`${id} is sent away`)),
    onClosed: () => {},
  });
  const [one, two, late] = ["one", "two", "late"].map((id) => new Call({ id }));
  assertEquals(await server.accepts(one!), true);
  assertEquals(await clock.until(server.accepts(late!)), false, "after 10 s");
  await server.close();
  server.handleCall(one!, { isAccepted: true });
  server.handleCall(two!);
  asked.resolve(true);
  await clock.advance(1);
  assertEquals(log, ["accept of late", "one begins", "two is sent away", "late is dropped"]);
});
