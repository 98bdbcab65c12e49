import type { JsonValue } from "../../edge/types.ts";
import type { Contract } from "./conformance.ts";
import { expect, expectSame, NotingAgent, rejection } from "./fixture.ts";

/** Data of the application's own, both ways. */
export const customEvents: Contract = {
  "a custom event of 5120 bytes arrives, and one of 5121 is a RangeError": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const fits = "é".repeat(2559);
    await bench.until(bench.edge.sendCustomEvent(fits, { connection }), "sending");
    await bench.eventually(() => anna.customEvents.length === 1, "it arrives");
    expectSame(anna.customEvents, [fits], "what arrived");
    const exact = "x".repeat(5118);
    await bench.until(bench.edge.sendCustomEvent(exact, { connection }), "sending");
    await bench.eventually(() => anna.customEvents.length === 2, "it arrives");
    for (const tooLong of ["x".repeat(5119), "é".repeat(2560)]) {
      const error = await rejection(
        bench.edge.sendCustomEvent(tooLong, { connection }),
        "sending too much",
      );
      expect(error instanceof RangeError, `expected a RangeError, got ${error}`);
    }
    await bench.pass(100);
    expectSame(anna.customEvents.length, 2, "how many arrived");
  },

  "what is not JSON is a TypeError and is not sent": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const data of [undefined, () => 1, 10n, { n: NaN }, [undefined], cycle, new Date(0)]) {
      const error = await rejection(
        bench.edge.sendCustomEvent(data as JsonValue, { connection }),
        "sending what is not JSON",
      );
      expect(error instanceof TypeError, `expected a TypeError, got ${error}`);
    }
    await bench.pass(100);
    expectSame(anna.customEvents.length, 0, "how many arrived");
  },

  "custom events come with their sender, as they were sent": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const data = { type: "hello", list: [1, null, "two"], deep: { yes: true } };
    await bench.until(anna.sendCustomEvent(data), "sending");
    const expected = `custom ${JSON.stringify(data)} of ${anna.participantId}`;
    await bench.eventually(() => bench.log.includes(expected), "it arrives");
  },

  "with several calls the connection must be named": async (bench) => {
    const first = await bench.join(new NotingAgent("one"), "kit-1");
    const anna = await bench.enterAndBeSeen(first.connection, "anna");
    await bench.until(bench.edge.sendCustomEvent("alone"), "sending");
    const second = await bench.join(new NotingAgent("two"), "kit-2");
    const error = await rejection(bench.edge.sendCustomEvent("which?"), "sending");
    expect(error instanceof TypeError, `expected a TypeError, got ${error}`);
    const { connection } = second;
    await bench.until(bench.edge.sendCustomEvent("there", { connection }), "sending");
    await bench.eventually(() => anna.customEvents.length > 0, "the first arrives");
    await bench.pass(100);
    expectSame(anna.customEvents, ["alone"], "what arrived in the first call");
  },
};
