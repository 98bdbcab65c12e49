/** The contract of an edge: custom events. @module */
import type { JsonValue } from "../../edge/types.ts";
import { type Contract, expect, expectSame, part, RecordingAgent, rejection } from "./fixture.ts";

/** Custom events, in both directions. */
export const customEvents: Contract = {
  "a custom event of 5120 bytes arrives, and one of 5121 is a RangeError": part(
    "customEvents",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const fits = "é".repeat(2559);
      await fixture.until(fixture.edge.sendCustomEvent(fits, { connection }), "sending");
      await fixture.eventually(() => anna.customEvents.length === 1, "it arrives");
      expectSame(anna.customEvents, [fits], "what arrived");
      const exact = "x".repeat(5118);
      await fixture.until(fixture.edge.sendCustomEvent(exact, { connection }), "sending");
      await fixture.eventually(() => anna.customEvents.length === 2, "it arrives");
      for (const tooLong of ["x".repeat(5119), "é".repeat(2560)]) {
        const error = await rejection(
          fixture.edge.sendCustomEvent(tooLong, { connection }),
          "sending too much",
        );
        expect(error instanceof RangeError, `expected a RangeError, got ${error}`);
      }
      await fixture.pass(100);
      expectSame(anna.customEvents.length, 2, "how many arrived");
    },
  ),

  "a custom event that is not JSON is a TypeError and is not sent": part(
    "customEvents",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const data of [undefined, () => 1, 10n, { n: NaN }, [undefined], cycle, new Date(0)]) {
        const error = await rejection(
          fixture.edge.sendCustomEvent(data as JsonValue, { connection }),
          "sending what is not JSON",
        );
        expect(error instanceof TypeError, `expected a TypeError, got ${error}`);
      }
      await fixture.pass(100);
      expectSame(anna.customEvents.length, 0, "how many arrived");
    },
  ),

  "custom events arrive unchanged, with their sender": part("customEvents", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const data = { type: "hello", list: [1, null, "two"], deep: { yes: true } };
    await fixture.until(anna.sendCustomEvent(data), "sending");
    const expected = `custom ${JSON.stringify(data)} of ${anna.participantId}`;
    await fixture.eventually(() => fixture.log.includes(expected), "it arrives");
  }),

  "sendCustomEvent with several calls needs a connection": part("customEvents", async (fixture) => {
    const first = await fixture.join(new RecordingAgent("one"), "kit-1");
    const anna = await fixture.enterAndBeSeen(first.connection, "anna");
    await fixture.until(fixture.edge.sendCustomEvent("alone"), "sending");
    const second = await fixture.join(new RecordingAgent("two"), "kit-2");
    const error = await rejection(fixture.edge.sendCustomEvent("which?"), "sending");
    expect(error instanceof TypeError, `expected a TypeError, got ${error}`);
    const { connection } = second;
    await fixture.until(fixture.edge.sendCustomEvent("there", { connection }), "sending");
    await fixture.eventually(() => anna.customEvents.length > 0, "the first arrives");
    await fixture.pass(100);
    expectSame(anna.customEvents, ["alone"], "what arrived in the first call");
  }),
};
