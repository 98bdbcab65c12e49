/** The contract of an edge: how calls end. @module */
import {
  type Contract,
  expect,
  expectCannot,
  expectSame,
  type Fixture,
  part,
  RecordingAgent,
  rejection,
  tone,
  without,
} from "./fixture.ts";
import { Agent } from "../../agent/agent.ts";
import { CallEndedEvent } from "../../edge/events.ts";

/** The ends of calls, and what must not stay open. */
export const endings: Contract = {
  "close is shared, idempotent, and leaves the call once": async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const closings = Promise.all([connection.close(), connection.close()]);
    expectSame(connection.state, "closed", "the state immediately");
    await fixture.until(closings, "closing");
    await fixture.until(connection.close(), "closing again");
    expectSame(await fixture.until(connection.closed, "the reason"), "left", "the reason");
    expectSame(fixture.edge.connections.size, 0, "open connections");
    expect(
      !fixture.log.some((line) => line.startsWith("ended")),
      "no CallEndedEvent for its own leaving",
    );
    const before = fixture.log.length;
    await fixture.until(anna.speak(tone(100)), "speaking").catch(() => {});
    await fixture.until(anna.leave(), "leaving");
    await fixture.pass(100);
    expectSame(fixture.log.length, before, "events after closing");
  },

  "an ended call closes the connection with one CallEndedEvent and its reason": part(
    "endCall",
    async (fixture) => {
      const { connection, call } = await fixture.join();
      await fixture.enterAndBeSeen(connection, "anna");
      await fixture.until(fixture.edge.endCall(call), "ending the call");
      const reason = await fixture.until(connection.closed, "the reason");
      expectSame([reason, connection.state], ["call-ended", "closed"], "the reason");
      const ended = fixture.log.filter((line) => line.startsWith("ended"));
      expectSame(ended, ["ended call-ended"], "the events");
      expectSame(fixture.edge.connections.size, 0, "open connections");
    },
  ),

  "a handler of CallEndedEvent may close the agent and await it": part(
    "endCall",
    async (fixture) => {
      const agent = new Agent({ edge: fixture.edge, agentUser: { id: "agent", name: "Agent" } });
      const call = await fixture.until(agent.createCall("default", "kit"), "creating");
      await fixture.until(agent.join(call, { participantWaitTimeoutMs: 0 }), "joining");
      let handled = false;
      using _subscription = fixture.edge.events.subscribe(CallEndedEvent, async (event) => {
        if (event.connection !== agent.connection) return;
        await agent.close();
        handled = true;
      });
      const finishing = agent.finish();
      await fixture.until(fixture.edge.endCall(call), "ending the call");
      expectSame(await fixture.until(finishing, "finishing"), "call-ended", "the reason");
      await fixture.eventually(() => handled, "the handler is done");
    },
  ),

  "waitForParticipant rejects when the connection closes": async (fixture) => {
    const { connection } = await fixture.join();
    const waiting = connection.waitForParticipant();
    const rejected = rejection(waiting, "waiting");
    await fixture.until(connection.close(), "closing");
    expectSame(
      (await fixture.until(rejected, "waiting") as Error).name,
      "ClosedError",
      "the error",
    );
  },

  "waitForParticipant can be aborted": async (fixture) => {
    const { connection } = await fixture.join();
    const controller = new AbortController();
    const waiting = connection.waitForParticipant({ signal: controller.signal });
    controller.abort(new Error("enough"));
    const error = await rejection(waiting, "waiting");
    expectSame((error as Error).message, "enough", "the reason");
  },

  "createCall with an aborted signal rejects with its reason": async (fixture) => {
    await fixture.call();
    const signal = AbortSignal.abort(new Error("changed my mind"));
    const error = await rejection(fixture.edge.createCall("other", { signal }), "creating");
    expectSame((error as Error).message, "changed my mind", "the reason");
  },

  "join with an aborted signal rejects with its reason and opens nothing": async (fixture) => {
    const call = await fixture.call();
    const signal = AbortSignal.abort(new Error("changed my mind"));
    const joining = fixture.edge.join(new RecordingAgent("agent"), call, { signal });
    const error = await rejection(fixture.until(joining, "joining"), "joining");
    expectSame((error as Error).message, "changed my mind", "the reason");
    expectSame(fixture.edge.connections.size, 0, "open connections");
  },

  "join that is aborted in progress rejects and leaves nothing open": async (fixture) => {
    const call = await fixture.call();
    const controller = new AbortController();
    const joining = fixture.edge.join(new RecordingAgent("agent"), call, {
      signal: controller.signal,
    });
    const outcome = joining.then(() => "joined", (error: Error) => error.message);
    controller.abort(new Error("changed my mind"));
    expectSame(await fixture.until(outcome, "joining"), "changed my mind", "the outcome");
    await fixture.eventually(() => fixture.edge.connections.size === 0, "nothing is open");
  },

  "an agent that is closed while it joins leaves nothing open": async (fixture) => {
    const agent = new Agent({ edge: fixture.edge, agentUser: { id: "agent", name: "Agent" } });
    const call = await fixture.until(agent.createCall("default", "kit"), "creating");
    const joining = agent.join(call);
    const outcome = joining.then(() => "joined", (error: Error) => error.name);
    await fixture.until(agent.close(), "closing");
    expectSame(await fixture.until(outcome, "joining"), "ClosedError", "the outcome");
    await fixture.eventually(() => fixture.edge.connections.size === 0, "nothing is open");
  },

  "closing the edge closes its connections, and it rejects further joins": async (fixture) => {
    const first = await fixture.join(new RecordingAgent("one"), "kit-1");
    const second = await fixture.join(new RecordingAgent("two"), "kit-2");
    await fixture.until(Promise.all([fixture.edge.close(), fixture.edge.close()]), "closing");
    await fixture.until(fixture.edge.close(), "closing again");
    const states = [first.connection.state, second.connection.state];
    expectSame(states, ["closed", "closed"], "the states");
    const error = await rejection(
      fixture.edge.join(new RecordingAgent("three"), first.call),
      "joining over a closed edge",
    );
    expectSame((error as Error).name, "ClosedError", "the error");
  },

  "closing one connection leaves the others alone": async (fixture) => {
    const first = await fixture.join(new RecordingAgent("one"), "kit-1");
    const second = await fixture.join(new RecordingAgent("two"), "kit-2");
    await fixture.until(first.connection.close(), "closing");
    await fixture.enterAndBeSeen(second.connection, "anna");
    expectSame(second.connection.state, "active", "the other's state");
  },

  "an agent can join again after it has left, through a new connection": async (fixture) => {
    const { connection, call } = await fixture.join();
    await fixture.until(connection.close(), "closing");
    const again = await fixture.until(
      fixture.edge.createCall(call.id, { callType: call.type }),
      "call",
    );
    const next = await fixture.until(
      fixture.edge.join(new RecordingAgent("agent"), again),
      "joining",
    );
    await fixture.enterAndBeSeen(next, "anna");
    expectSame([connection.state, next.state], ["closed", "active"], "the states");
  },

  "losing and regaining the network are events": part("networkLoss", async (fixture) => {
    const { edgeUnderTest } = fixture;
    const drop = fixture.own("EdgeUnderTest.dropNetwork", edgeUnderTest.dropNetwork);
    const { connection } = await fixture.join();
    await fixture.until(drop.call(edgeUnderTest, connection, true), "losing the network");
    await fixture.eventually(() => connection.isReconnecting, "it is reconnecting");
    await fixture.until(drop.call(edgeUnderTest, connection, false), "regaining it");
    await fixture.eventually(() => !connection.isReconnecting, "it is back");
    expectSame(fixture.log.slice(1), ["reconnecting", "reconnected"], "the events");
  }),

  "nothing is left open": async (fixture) => {
    await callAndClose(fixture);
    expectSame(fixture.edgeUnderTest.clock?.pending ?? 0, 0, "timers left");
  },

  "no resource is left open": part("openResources", async (fixture) => {
    const { edgeUnderTest } = fixture;
    const count = fixture.own("EdgeUnderTest.openResources", edgeUnderTest.openResources);
    await callAndClose(fixture);
    expectSame(await count.call(edgeUnderTest), 0, "what is left");
  }),

  "ending a call that is over does nothing": part("endCall", async (fixture) => {
    const { connection, call } = await fixture.join();
    await fixture.until(fixture.edge.endCall(call), "ending the call");
    await fixture.until(connection.closed, "closing");
    await fixture.until(fixture.edge.endCall(call), "ending it again");
  }),

  "an edge that cannot end calls says so, and the call goes on": without(
    "endCall",
    async (fixture) => {
      const { connection, call } = await fixture.join();
      await fixture.enterAndBeSeen(connection, "anna");
      expectCannot(await rejection(fixture.edge.endCall(call), "ending the call"), fixture.edge);
      expectSame(connection.state, "active", "the state");
    },
  ),
};

/** A whole call, of an agent with a processor, and the end of its edge. */
async function callAndClose(fixture: Fixture): Promise<void> {
  const agent = new Agent({
    edge: fixture.edge,
    agentUser: { id: "agent", name: "Agent" },
    processors: [{ name: "ears", processAudio() {} }],
  });
  const call = await fixture.until(agent.createCall("default", "kit"), "creating");
  await fixture.until(agent.join(call, { participantWaitTimeoutMs: 0 }), "joining");
  const anna = await fixture.enterAndBeSeen(agent.connection!, "anna");
  await fixture.until(agent.audio.write(tone(100)), "writing");
  await fixture.until(anna.leave(), "leaving");
  await fixture.until(agent.close(), "closing");
  await fixture.until(fixture.edge.close(), "closing the edge");
}
