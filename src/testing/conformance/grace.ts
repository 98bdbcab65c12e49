/** The contract of an edge: participants who are cut off. @module */
import { type Contract, expectSame, part, RecordingAgent, tone } from "./fixture.ts";

/** Participants who are lost: they come back, or do not. */
export const grace: Contract = {
  "a participant who is lost and comes back was never away": part(
    "participantLoss",
    async (fixture) => {
      const agent = new RecordingAgent("agent");
      const { connection } = await fixture.join(agent);
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const { participantId: id } = anna;
      await fixture.eventually(() => connection.tracks.size === 1, "their track is known");
      for (let time = 1; time <= 2; time++) {
        const lose = fixture.own("RemoteParticipant.loseNetwork", anna.loseNetwork);
        await fixture.until(lose.call(anna), "losing their network");
        await fixture.pass(50);
        expectSame(
          [connection.state, connection.idleForMs()],
          ["active", 0],
          "while they are lost",
        );
        const regain = fixture.own("RemoteParticipant.regainNetwork", anna.regainNetwork);
        await fixture.until(regain.call(anna), "coming back");
        await fixture.pass(200);
        await fixture.eventually(() => connection.tracks.size === 1, "their track is known again");
        expectSame([...connection.participants.keys()], [id], "who is in the call");
        await fixture.until(anna.speak(tone(300)), "speaking");
        await fixture.eventually(() => (agent.heardMs.get(id) ?? 0) > time * 150, "they are heard");
      }
      expectSame([...agent.heardMs.keys()], [id], "who was heard");
      const ways = fixture.log.filter((line) => /->|^joined|^left/.test(line));
      const expected = ["establishing -> waiting", "waiting -> active", `joined ${id}`];
      expectSame(ways, expected, "the events");
    },
  ),

  "a participant who is lost and does not come back has left": part(
    "participantLoss",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const lose = fixture.own("RemoteParticipant.loseNetwork", anna.loseNetwork);
      await fixture.until(lose.call(anna), "losing their network");
      await fixture.eventually(() => connection.state === "idle", "the call is idle");
      expectSame([connection.participants.size, connection.tracks.size], [0, 0], "what is left");
      const left = fixture.log.filter((line) => line === `left ${anna.participantId}`);
      expectSame(left.length, 1, "events of their leaving");
    },
  ),
};
