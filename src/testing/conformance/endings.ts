import type { Contract } from "./conformance.ts";
import { expect, expectSame, NotingAgent, rejection, tone } from "./fixture.ts";
import { Agent } from "../../agent/agent.ts";
import { CallEndedEvent } from "../../edge/events.ts";

/** How calls end, and what must not be left. */
export const endings: Contract = {
  "closing is shared, can be repeated, and leaves the call once": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const closings = Promise.all([connection.close(), connection.close()]);
    expectSame(connection.state, "closed", "the state at once");
    await bench.until(closings, "closing");
    await bench.until(connection.close(), "closing again");
    expectSame(await bench.until(connection.closed, "the reason"), "left", "the reason");
    expectSame(bench.edge.connections.size, 0, "open connections");
    expect(!bench.log.some((line) => line.startsWith("ended")), "no CallEndedEvent for one's own");
    const before = bench.log.length;
    await bench.until(anna.speak(tone(100)), "speaking").catch(() => {});
    await bench.until(anna.leave(), "leaving");
    await bench.pass(100);
    expectSame(bench.log.length, before, "events after closing");
  },

  "a call that is ended closes the connection, tells why, and tells it once": async (bench) => {
    if (!bench.sut.endCall) return;
    const { connection, call } = await bench.join();
    await bench.enterAndBeSeen(connection, "anna");
    await bench.until(bench.sut.endCall(call), "ending the call");
    const reason = await bench.until(connection.closed, "the reason");
    expectSame([reason, connection.state], ["call-ended", "closed"], "the reason");
    const ended = bench.log.filter((line) => line.startsWith("ended"));
    expectSame(ended, ["ended call-ended"], "the events");
    expectSame(bench.edge.connections.size, 0, "open connections");
  },

  "a handler of CallEndedEvent may close the agent and await it": async (bench) => {
    if (!bench.sut.endCall) return;
    const agent = new Agent({ edge: bench.edge, agentUser: { id: "agent", name: "Agent" } });
    const call = await bench.until(agent.createCall("default", "kit"), "creating");
    await bench.until(agent.join(call, { participantWaitTimeoutMs: 0 }), "joining");
    let handled = false;
    using _subscription = bench.edge.events.subscribe(CallEndedEvent, async (event) => {
      if (event.connection !== agent.connection) return;
      await agent.close();
      handled = true;
    });
    const finishing = agent.finish();
    await bench.until(bench.sut.endCall(call), "ending the call");
    expectSame(await bench.until(finishing, "finishing"), "call-ended", "the reason");
    await bench.eventually(() => handled, "the handler is done");
  },

  "waiting for a participant ends when the connection closes": async (bench) => {
    const { connection } = await bench.join();
    const waiting = connection.waitForParticipant();
    const rejected = rejection(waiting, "waiting");
    await bench.until(connection.close(), "closing");
    expectSame((await bench.until(rejected, "waiting") as Error).name, "ClosedError", "the error");
  },

  "waiting for a participant can be aborted": async (bench) => {
    const { connection } = await bench.join();
    const controller = new AbortController();
    const waiting = connection.waitForParticipant({ signal: controller.signal });
    controller.abort(new Error("enough"));
    const error = await rejection(waiting, "waiting");
    expectSame((error as Error).message, "enough", "the reason");
  },

  "creating a call with an aborted signal rejects with its reason": async (bench) => {
    await bench.call();
    const signal = AbortSignal.abort(new Error("changed my mind"));
    const error = await rejection(bench.edge.createCall("other", { signal }), "creating");
    expectSame((error as Error).message, "changed my mind", "the reason");
  },

  "a join with an aborted signal rejects with its reason and opens nothing": async (bench) => {
    const call = await bench.call();
    const signal = AbortSignal.abort(new Error("changed my mind"));
    const joining = bench.edge.join(new NotingAgent("agent"), call, { signal });
    const error = await rejection(bench.until(joining, "joining"), "joining");
    expectSame((error as Error).message, "changed my mind", "the reason");
    expectSame(bench.edge.connections.size, 0, "open connections");
  },

  "a join that is aborted on its way rejects and leaves nothing open": async (bench) => {
    const call = await bench.call();
    const controller = new AbortController();
    const joining = bench.edge.join(new NotingAgent("agent"), call, { signal: controller.signal });
    const outcome = joining.then(() => "joined", (error: Error) => error.message);
    controller.abort(new Error("changed my mind"));
    expectSame(await bench.until(outcome, "joining"), "changed my mind", "the outcome");
    await bench.eventually(() => bench.edge.connections.size === 0, "nothing is open");
  },

  "an agent that is closed while it joins leaves nothing open": async (bench) => {
    const agent = new Agent({ edge: bench.edge, agentUser: { id: "agent", name: "Agent" } });
    const call = await bench.until(agent.createCall("default", "kit"), "creating");
    const joining = agent.join(call);
    const outcome = joining.then(() => "joined", (error: Error) => error.name);
    await bench.until(agent.close(), "closing");
    expectSame(await bench.until(outcome, "joining"), "ClosedError", "the outcome");
    await bench.eventually(() => bench.edge.connections.size === 0, "nothing is open");
  },

  "closing the edge closes its connections, and it takes no more joins": async (bench) => {
    const first = await bench.join(new NotingAgent("one"), "kit-1");
    const second = await bench.join(new NotingAgent("two"), "kit-2");
    await bench.until(Promise.all([bench.edge.close(), bench.edge.close()]), "closing");
    await bench.until(bench.edge.close(), "closing again");
    const states = [first.connection.state, second.connection.state];
    expectSame(states, ["closed", "closed"], "the states");
    const error = await rejection(
      bench.edge.join(new NotingAgent("three"), first.call),
      "joining over a closed edge",
    );
    expectSame((error as Error).name, "ClosedError", "the error");
  },

  "closing one connection leaves the others alone": async (bench) => {
    const first = await bench.join(new NotingAgent("one"), "kit-1");
    const second = await bench.join(new NotingAgent("two"), "kit-2");
    await bench.until(first.connection.close(), "closing");
    await bench.enterAndBeSeen(second.connection, "anna");
    expectSame(second.connection.state, "active", "the other's state");
  },

  "an agent can join again after it has left, through a new connection": async (bench) => {
    const { connection, call } = await bench.join();
    await bench.until(connection.close(), "closing");
    const again = await bench.until(
      bench.edge.createCall(call.id, { callType: call.type }),
      "call",
    );
    const next = await bench.until(bench.edge.join(new NotingAgent("agent"), again), "joining");
    await bench.enterAndBeSeen(next, "anna");
    expectSame([connection.state, next.state], ["closed", "active"], "the states");
  },

  "losing and regaining the network is told": async (bench) => {
    if (!bench.sut.disturb) return;
    const { connection } = await bench.join();
    await bench.until(bench.sut.disturb(connection, true), "losing the network");
    await bench.eventually(() => connection.isReconnecting, "it is reconnecting");
    await bench.until(bench.sut.disturb(connection, false), "regaining it");
    await bench.eventually(() => !connection.isReconnecting, "it is back");
    expectSame(bench.log.slice(1), ["reconnecting", "reconnected"], "the events");
  },

  "nothing is left open": async (bench) => {
    const agent = new Agent({
      edge: bench.edge,
      agentUser: { id: "agent", name: "Agent" },
      processors: [{ name: "ears", processAudio() {} }],
    });
    const call = await bench.until(agent.createCall("default", "kit"), "creating");
    await bench.until(agent.join(call, { participantWaitTimeoutMs: 0 }), "joining");
    const anna = await bench.enterAndBeSeen(agent.connection!, "anna");
    await bench.until(agent.audio.write(tone(100)), "writing");
    await bench.until(anna.leave(), "leaving");
    await bench.until(agent.close(), "closing");
    await bench.until(bench.edge.close(), "closing the edge");
    expectSame(await bench.sut.leftovers?.() ?? 0, 0, "what is left");
    expectSame(bench.sut.clock?.pending ?? 0, 0, "timers left");
  },
};
