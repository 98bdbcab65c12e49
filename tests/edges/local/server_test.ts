import { assertEquals } from "@std/assert";
import { Call } from "../../../src/edge/call.ts";
import { EdgeEvents } from "../../../src/edge/edge_events.ts";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { RunningServer, type ServeOptions } from "../../../src/edges/local/server.ts";
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
      onCall: slips[slipName] as ServeOptions["onCall"],
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
