/** The contract of an edge: telephones. @module */
import {
  type Contract,
  expect,
  expectCannot,
  expectSame,
  part,
  RecordingAgent,
  rejection,
  without,
} from "./fixture.ts";

/** Keys, transfers and outgoing calls; and edges that have no telephone. */
export const telephone: Contract = {
  "an edge without a telephone says so, and the call goes on": without(
    "telephone",
    async (fixture) => {
      const { connection } = await fixture.join();
      await fixture.enterAndBeSeen(connection, "anna");
      const { edge } = fixture;
      for (
        const impossible of [
          () => connection.sendDtmf("12#"),
          () => connection.transfer("+4930123456"),
          () => edge.dial({ to: "+4930123456" }),
        ]
      ) expectCannot(await rejection(impossible(), "what it cannot do"), edge);
      expectSame(connection.state, "active", "the state");
    },
  ),

  "sendDtmf, transfer and dial check their arguments": async (fixture) => {
    const { connection } = await fixture.join();
    await fixture.enterAndBeSeen(connection, "anna");
    for (const wrong of ["", "12x", "1 2", "1".repeat(256)]) {
      const error = await rejection(connection.sendDtmf(wrong), "sending such digits");
      expect(error instanceof RangeError, `expected a RangeError for "${wrong}", got ${error}`);
    }
    for (const wrong of [undefined, 12]) {
      const error = await rejection(connection.sendDtmf(wrong as unknown as string), "sending");
      expect(error instanceof TypeError, `expected a TypeError for ${wrong}, got ${error}`);
    }
    for (const wrong of ["", " ", "+49\n30", undefined]) {
      for (
        const [what, failing] of [
          ["to:", connection.transfer(wrong as string)],
          ["options.to:", fixture.edge.dial({ to: wrong as string })],
        ] as const
      ) {
        const error = await rejection(failing, "calling that");
        expect(error instanceof TypeError, `expected a TypeError, got ${error}`);
        expect(error.message.startsWith(what), `expected the argument's name in: ${error.message}`);
      }
    }
  },

  "keys that the agent presses arrive in order": part("telephone", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    await fixture.until(connection.sendDtmf("12#"), "pressing");
    await fixture.until(connection.sendDtmf("a*"), "pressing");
    const heard = () => fixture.own("RemoteParticipant.dtmf", anna.dtmf);
    await fixture.eventually(() => heard().length === 5, "five keys are heard");
    expectSame(heard(), "12#A*", "the keys");
  }),

  "keys that a person presses are one event each, in order": part("telephone", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const press = fixture.own("RemoteParticipant.sendDtmf", anna.sendDtmf);
    await fixture.until(press.call(anna, "10#"), "pressing");
    const told = () => fixture.log.filter((line) => line.startsWith("dtmf"));
    await fixture.eventually(() => told().length === 3, "three keys are heard");
    const id = anna.participantId;
    expectSame(told(), [`dtmf 1 of ${id}`, `dtmf 0 of ${id}`, `dtmf # of ${id}`], "the events");
  }),

  "a transferred person leaves the call, and of several it must be said who": part(
    "telephone",
    async (fixture) => {
      const numbers = fixture.own("EdgeUnderTest.numbers", fixture.edgeUnderTest.numbers);
      const { connection } = await fixture.join();
      const empty = await rejection(connection.transfer(numbers.answered), "transferring");
      expect(empty instanceof TypeError, `expected a TypeError, got ${empty}`);
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const bert = await fixture.enterAndBeSeen(connection, "bert");
      const unclear = await rejection(connection.transfer(numbers.answered), "transferring");
      expect(unclear instanceof TypeError, `expected a TypeError, got ${unclear}`);
      const { participantId } = bert;
      const transfer = connection.transfer(numbers.answered, { participantId });
      await fixture.until(transfer, "transferring bert");
      await fixture.eventually(() => connection.participants.size === 1, "bert is gone");
      expectSame([...connection.participants.keys()], [anna.participantId], "who is left");
      await fixture.until(connection.transfer(numbers.answered), "transferring anna");
      await fixture.eventually(() => connection.state === "idle", "anna is gone");
    },
  ),

  "a transfer that fails is a ConnectionError, and the person stays": part(
    "telephone",
    async (fixture) => {
      const numbers = fixture.own("EdgeUnderTest.numbers", fixture.edgeUnderTest.numbers);
      const { connection } = await fixture.join();
      await fixture.enterAndBeSeen(connection, "anna");
      const transfer = fixture.until(connection.transfer(numbers.busy), "transferring");
      const error = await rejection(transfer, "a transfer to a busy number");
      expectSame((error as Error).name, "ConnectionError", "the error");
      await fixture.pass(100);
      expectSame([connection.state, connection.participants.size], ["active", 1], "the call");
    },
  ),

  "dial resolves with the call when it is answered": part("telephone", async (fixture) => {
    const numbers = fixture.own("EdgeUnderTest.numbers", fixture.edgeUnderTest.numbers);
    const agent = new RecordingAgent("agent");
    await fixture.until(fixture.edge.authenticate(agent.user), "authenticating");
    const call = await fixture.until(fixture.edge.dial({ to: numbers.answered }), "dialling");
    const connection = await fixture.until(fixture.edge.join(agent, call), "joining");
    await fixture.until(connection.waitForParticipant(), "waiting for who was called");
    expectSame(connection.state, "active", "the state");
  }),

  "dial of a busy number is a ConnectionError, and can be aborted while it rings": part(
    "telephone",
    async (fixture) => {
      const numbers = fixture.own("EdgeUnderTest.numbers", fixture.edgeUnderTest.numbers);
      await fixture.until(fixture.edge.authenticate(new RecordingAgent("agent").user), "");
      const dialling = fixture.until(fixture.edge.dial({ to: numbers.busy }), "dialling");
      const error = await rejection(dialling, "dialling a busy number") as Error & { code: string };
      expectSame([error.name, error.code], ["ConnectionError", "busy"], "the error");
      const controller = new AbortController();
      const { signal } = controller;
      const ringing = fixture.edge.dial({ to: numbers.ringing, signal });
      const outcome = ringing.then(() => "answered", (error: Error) => error.message);
      await fixture.pass(50);
      controller.abort(new Error("changed my mind"));
      expectSame(await fixture.until(outcome, "dialling"), "changed my mind", "the outcome");
    },
  ),
};
