/** The contract of an edge: what people write. @module */
import { type Contract, expectSame, part } from "./fixture.ts";

/** What people write. */
export const text: Contract = {
  "what a person writes arrives unchanged, in order, with its author": part(
    "text",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const bert = await fixture.enterAndBeSeen(connection, "bert");
      const written = ["Two lines:\n1. \u201Ecafé\u201C", "👩‍🚀 and <b>markup</b>", "x".repeat(5000)];
      for (const one of written) {
        const send = fixture.own("RemoteParticipant.sendText", anna.sendText);
        await fixture.until(send.call(anna, one), "writing");
      }
      await fixture.until(bert.sendText!.call(bert, "me too"), "writing");
      const told = () => fixture.log.filter((line) => line.startsWith("text"));
      await fixture.eventually(() => told().length >= 4, "four texts arrive");
      await fixture.pass(50);
      const of = (id: string) => told().filter((line) => line.endsWith(id));
      const expected = written.map((one) => `text ${JSON.stringify(one)} of ${anna.participantId}`);
      expectSame(of(anna.participantId), expected, "what anna wrote");
      expectSame(of(bert.participantId).length, 1, "what bert wrote");
      expectSame(told().length, 4, "all texts");
    },
  ),
};
