import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import type { Processor } from "../../src/agent/processor.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { Call } from "../../src/edge/call.ts";
import { CallEndedEvent } from "../../src/edge/events.ts";
import { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { agentUser, join, setUp } from "./_call.ts";

function speech(ms: number, sampleRate = 16_000): PcmChunk {
  return new PcmChunk(new Int16Array(sampleRate * ms / 1000).fill(5000), { sampleRate });
}

Deno.test("an agent authenticates once, however many calls it creates and however it joins", async () => {
  const { clock, edge, agent, call } = await setUp();
  await agent.createCall("default", "hall");
  assertEquals(call.type, "default");
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  assertEquals(edge.authenticated, [agentUser]);
  await clock.until(agent.close());
});

Deno.test("authentication that failed is tried again", async () => {
  let tries = 0;
  const clock = new VirtualClock();
  const edge = new MemoryEdge({
    clock,
    onAuthenticate: () => {
      if (++tries === 1) throw new Error("not now");
    },
  });
  const agent = new Agent({ edge, agentUser });
  await assertRejects(() => agent.createCall("default", "kitchen"), Error, "not now");
  await agent.createCall("default", "kitchen");
  assertEquals(tries, 2);
});

Deno.test("joining goes in order, and voice and picture are published in one negotiation", async () => {
  const log: string[] = [];
  const picture = new LatestVideoTrack();
  const processor = (name: string): Processor => ({
    name,
    start: async () => {
      log.push(`${name} starts`);
      await undefined;
      log.push(`${name} started`);
    },
    close: () => void log.push(`${name} closes`),
  });
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, onAuthenticate: () => void log.push("authenticated") });
  const created = edge.createConversation.bind(edge);
  edge.createConversation = (...args) => {
    log.push(`conversation: ${args[2]}`);
    return created(...args);
  };
  const published = edge.publishTracks.bind(edge);
  edge.publishTracks = (tracks, options) => {
    log.push(`publishes ${Object.keys(tracks)}`);
    return published(tracks, options);
  };
  const agent = new Agent({
    edge,
    agentUser,
    instructions: "Be kind.",
    processors: [processor("a"), processor("b")],
    publishVideo: picture,
  });
  await edge.createCall("kitchen");
  const call = await edge.createCall("kitchen");
  const session = await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  assertEquals(log, [
    "a starts",
    "b starts",
    "a started",
    "b started",
    "authenticated",
    "publishes audio,video",
    "conversation: Be kind.",
  ]);
  assertEquals(session.conversation.instructions, "Be kind.");
  assertEquals([...edge.connections].length, 1);
  await clock.until(agent.close());
  assertEquals(log.slice(-2), ["a closes", "b closes"]);
});

Deno.test("an agent without voice and picture negotiates nothing", async () => {
  const { clock, agent, session } = await join({ publishAudio: false });
  assertEquals((session.connection as unknown as { negotiations: number }).negotiations, 0);
  await clock.until(agent.close());
});

Deno.test("the picture of a processor is published, unless the agent is told not to", async () => {
  const picture = new LatestVideoTrack();
  const processors = [{ name: "tile", videoTrack: picture }];
  assertEquals((await setUp({ processors })).agent.video, picture);
  assertEquals((await setUp({ processors, publishVideo: false })).agent.video, undefined);
  const { clock, edge, agent, call } = await setUp({ processors });
  const anna = edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  assertEquals(anna.videoOf(anna.agents[0]!.id), picture);
  await clock.until(agent.close());
  assert(!picture.isClosed, "the track belongs to the processor");
});

Deno.test("join waits for a person, and goes on without one when the time is over", async () => {
  const { clock, agent, call, errors } = await setUp();
  const session = await clock.until(agent.join(call, { participantWaitTimeoutMs: 3000 }));
  assertEquals([clock.now(), session.connection.state], [3010, "waiting"]);
  assertEquals(errors.length, 1);
  assert(errors[0]!.includes("waiting for a participant"));
  assertEquals([agent.idleForMs(), agent.onCallForMs()], [3000, 3000]);
  await clock.until(agent.close());
});

Deno.test("join waits for ever when told to, and no longer than a participant needs to come", async () => {
  const { clock, edge, agent, call } = await setUp();
  const joining = agent.join(call, { participantWaitTimeoutMs: Infinity });
  await clock.advance(86_400_000);
  edge.enter(call, { userId: "anna" });
  await clock.until(joining);
  assertEquals(agent.idleForMs(), 0);
  await clock.until(agent.close());
});

Deno.test("an agent joins once", async () => {
  const { clock, agent, call } = await setUp();
  const first = clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  await assertRejects(() => agent.join(call), TypeError, "once");
  await first;
  await assertRejects(() => agent.join(call), TypeError, "once");
  await clock.until(agent.close());
  await assertRejects(() => agent.join(call), Error, "the agent is closed");
});

Deno.test("joining has a limit of its own and leaves nothing behind", async () => {
  const { clock, edge, agent, call } = await setUp({}, { joinDelayMs: 60_000 });
  const joining = agent.join(call, { timeoutMs: 2000 });
  const error = await clock.until(joining).catch((error) => error);
  assertEquals([error.name, clock.now()], ["TimeoutError", 2000]);
  assertEquals([edge.connections.size, clock.pending], [0, 0]);
});

Deno.test("joining can be aborted at any time, with the signal's reason", async () => {
  for (const afterMs of [0, 5, 15]) {
    const { clock, edge, agent, call } = await setUp({
      processors: [{ name: "slow", start: () => new Promise((go) => clock0.schedule(go, 2)) }],
    });
    const clock0 = clock;
    const controller = new AbortController();
    const joining = agent.join(call, { signal: controller.signal });
    joining.catch(() => {});
    await clock.advance(afterMs);
    controller.abort(new Error("changed my mind"));
    await assertRejects(() => clock.until(joining), Error, "changed my mind");
    await clock.until(agent.close());
    assertEquals(edge.connections.size, 0);
  }
  const { agent, call } = await setUp();
  const aborted = { signal: AbortSignal.abort(new Error("before")) };
  await assertRejects(() => agent.join(call, aborted), Error, "before");
});

Deno.test("a processor that cannot start makes the join fail, and the others stop", async () => {
  const log: string[] = [];
  const { clock, edge, agent, call } = await setUp({
    processors: [
      {
        name: "patient",
        start: (_agent, { signal }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          signal.addEventListener("abort", () => {
            log.push(`patient told: ${signal.reason.message}`);
            resolve();
          });
          return promise;
        },
        close: () => void log.push("patient closed"),
      },
      { name: "broken", start: () => Promise.reject(new Error("no model")) },
    ],
  });
  await assertRejects(() => clock.until(agent.join(call)), Error, "no model");
  assertEquals(log, ["patient told: no model", "patient closed"]);
  assertEquals(edge.connections.size, 0);
});

Deno.test("a step that fails after joining leaves the call", async () => {
  for (const broken of ["publishTracks", "createConversation"] as const) {
    const { clock, edge, agent, call } = await setUp();
    Object.assign(edge, { [broken]: () => Promise.reject(new Error(`no ${broken}`)) });
    await assertRejects(() => clock.until(agent.join(call)), Error, `no ${broken}`);
    assertEquals([edge.connections.size, edge.isClosed, clock.pending], [0, false, 0]);
  }
});

Deno.test("an edge that joins although it was told to give up does not keep the agent", async () => {
  const { clock, edge, agent, call } = await setUp();
  const join = edge.join.bind(edge);
  edge.join = async (one, where) => {
    await new Promise<void>((go) => clock.schedule(go, 3000));
    return await join(one, where);
  };
  const joining = agent.join(call, { timeoutMs: 500 });
  await assertRejects(() => clock.until(joining), DOMException, "500 ms");
  await clock.advance(10_000);
  assertEquals(edge.connections.size, 0);
});

Deno.test("leaving the block closes the agent and not the edge", async () => {
  const { clock, edge, agent, call } = await setUp();
  const closed = await clock.until((async () => {
    await using session = await agent.join(call, { participantWaitTimeoutMs: 0 });
    return session.connection.closed;
  })());
  assertEquals([closed, edge.isClosed, edge.connections.size], ["left", false, 0]);
  await edge.createCall("another");
});

Deno.test("the block's own error is the one that is seen, whatever goes wrong while leaving", async () => {
  const { clock, agent, call, errors } = await setUp({
    processors: [{ name: "bad", close: () => Promise.reject(new Error("while leaving")) }],
  });
  const body = (async () => {
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
    await agent.close();
    throw new Error("in the block");
  })();
  await assertRejects(() => clock.until(body), Error, "in the block");
  assertEquals(errors, ["closing processor bad: Error: while leaving"]);
});

Deno.test("finish resolves with the reason when the call ends", async () => {
  for (const reason of ["call-ended", "kicked", "network"] as const) {
    const { clock, edge, agent } = await join();
    const finishing = agent.finish();
    edge.end(agent.connection!, reason);
    assertEquals(await clock.until(finishing), reason);
    await clock.advance(0);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("aborting finish closes the agent, and is no error", async () => {
  const { clock, edge, agent } = await join();
  const controller = new AbortController();
  const finishing = agent.finish({ signal: controller.signal });
  controller.abort();
  assertEquals(await clock.until(finishing), "left");
  assertEquals(edge.connections.size, 0);
  assertEquals(await agent.finish({ signal: controller.signal }), "left");
});

Deno.test("closing is shared: the second caller waits for the same end", async () => {
  const gate = Promise.withResolvers<void>();
  let closes = 0;
  const { clock, agent, call } = await setUp({
    processors: [{
      name: "slow",
      close: () => {
        closes++;
        return gate.promise;
      },
    }],
  });
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  let done = 0;
  agent.close().then(() => done++);
  agent.close().then(() => done++);
  await clock.advance(100);
  assertEquals(done, 0);
  gate.resolve();
  await clock.advance(0);
  assertEquals([done, closes], [2, 1]);
});

Deno.test("a processor that never closes does not keep the agent from closing", async () => {
  const { clock, agent, errors } = await join({
    processors: [{ name: "stuck", close: () => new Promise(() => {}) }],
  });
  await clock.until(agent.close());
  assert(errors[0]!.startsWith("closing processor stuck: TimeoutError"));
});

Deno.test("an agent can be closed from any handler, awaited there", async () => {
  type Place = (agent: Agent) => Partial<AgentOptions>;
  const places: Record<string, Place> = {
    audio: (agent) => ({ onAudio: () => agent.close() }),
    joined: (agent) => ({
      processors: [{ name: "p", participantJoined: () => void agent.close() }],
    }),
  };
  for (const [name, place] of Object.entries(places)) {
    const holder: { agent?: Agent } = {};
    const { clock, edge, agent, call } = await setUp(
      place(
        new Proxy({} as Agent, {
          get: (_, key) => Reflect.get(holder.agent!, key).bind(holder.agent),
        }),
      ),
    );
    holder.agent = agent;
    const joining = clock.until(agent.join(call, { participantWaitTimeoutMs: 50 }));
    joining.catch(() => {});
    await clock.advance(20);
    const anna = edge.enter(call, { userId: "anna" });
    void anna.speak(speech(100));
    await clock.advance(6000);
    assertEquals([edge.connections.size, clock.pending], [0, 0], name);
  }
});

Deno.test("closing while joining makes the join fail, and both end", async () => {
  const { clock, edge, agent, call } = await setUp({}, { joinDelayMs: 1000 });
  const joining = agent.join(call);
  joining.catch(() => {});
  await clock.advance(100);
  await clock.until(agent.close());
  await assertRejects(() => joining, Error, "the agent is closed");
  assertEquals([clock.now(), edge.connections.size, clock.pending], [100, 0, 0]);
});

Deno.test("an agent that never joined closes", async () => {
  const { clock, agent } = await setUp();
  await agent.audio.write(speech(100));
  await clock.until(agent.close());
  await assertRejects(() => agent.audio.write(speech(100)), Error, "closed");
  assertEquals([agent.idleForMs(), agent.onCallForMs()], [0, 0]);
  await assertRejects(() => agent.waitForParticipant(), TypeError, "has not joined");
  await assertRejects(() => agent.finish(), TypeError, "has not joined");
});

Deno.test("what was written before joining is said once the agent is in the call", async () => {
  const { clock, edge, agent, call } = await setUp();
  const anna = edge.enter(call, { userId: "anna" });
  await agent.audio.write(speech(300), { final: true });
  await clock.until(agent.join(call));
  await clock.until(agent.audio.drain());
  assert(anna.heardMs >= 300 && anna.heardMs < 320);
  await clock.until(agent.close());
});

Deno.test("when the call ends the agent closes by itself", async () => {
  let closed = false;
  const { clock, edge, agent, call } = await join({
    processors: [{ name: "p", close: () => void (closed = true) }],
  });
  const reasons: string[] = [];
  edge.events.subscribe(CallEndedEvent, (event) => void reasons.push(event.reason));
  edge.endCall(call);
  await clock.advance(10);
  assertEquals([closed, reasons], [true, ["call-ended"]]);
  await clock.until(agent.close());
});

Deno.test("two agents share an edge and hear only their own calls", async () => {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock });
  const heard: Record<string, number> = {};
  const make = async (name: string) => {
    const agent = new Agent({
      edge,
      agentUser: { id: name, name },
      onAudio: ({ participant }) => {
        heard[`${name} hears ${participant.userId}`] ??= 0;
        heard[`${name} hears ${participant.userId}`]! += 20;
      },
    });
    const call = await agent.createCall("default", name);
    const guest = edge.enter(call, { userId: `guest of ${name}` });
    await clock.until(agent.join(call));
    return { agent, guest };
  };
  const one = await make("one"), two = await make("two");
  const speaking = Promise.all([one.guest.speak(speech(200)), two.guest.speak(speech(400))]);
  await clock.until(speaking);
  await clock.advance(40);
  assertEquals(heard, { "one hears guest of one": 200, "two hears guest of two": 400 });
  one.guest.sendCustomEvent("x");
  await clock.until(one.agent.close());
  assertEquals(two.agent.connection!.state, "active");
  await two.agent.sendCustomEvent({ still: "here" });
  assertEquals(two.guest.customEvents, [{ still: "here" }]);
  await clock.until(edge.close());
  assertEquals(two.agent.connection!.state, "closed");
});

Deno.test("wrong arguments are refused", async () => {
  const { edge, agent, call } = await setUp();
  assertThrows(() => new Agent({ edge, agentUser: { id: "", name: "" } }), TypeError, "agentUser");
  assertThrows(
    () => new Agent({ edge, agentUser, sampleRate: 44_100 as 48_000 }),
    RangeError,
    "44100",
  );
  await assertRejects(() => agent.join(call, { timeoutMs: -5 }), RangeError, "timeoutMs");
  await assertRejects(
    () => agent.join(call, { participantWaitTimeoutMs: NaN }),
    RangeError,
    "participantWaitTimeoutMs",
  );
});

Deno.test("a wrong user, processor or call is a TypeError before anything is started", async () => {
  const { edge, agent } = await setUp();
  const make = (options: unknown) => () => new Agent({ edge, agentUser, ...options as object });
  assertThrows(make({ agentUser: { id: "a" } }), TypeError, "agentUser.name");
  assertThrows(make({ agentUser: { ...agentUser, image: 5 } }), TypeError, "agentUser.image");
  assertThrows(make({ agentUser: { id: "a", name: "a\u202eb" } }), TypeError, "agentUser.name");
  assertThrows(make({ agentUser: undefined }), TypeError, "an agent needs agentUser");
  assertThrows(make({ processors: [null] }), TypeError, "processors[0]: expected a processor");
  assertThrows(make({ processors: [{}] }), TypeError, "got one without");
  assertThrows(make({ processors: { name: "a" } }), TypeError, "processors: expected an array");
  for (const wrong of [undefined, null, "kitchen", { id: 5, type: "default" }, { id: "kitchen" }]) {
    await assertRejects(() => agent.join(wrong as unknown as Call), TypeError, "call");
  }
  assertEquals(edge.connections.size, 0);
});

Deno.test("an agent may join after a call that was none", async () => {
  const { clock, agent, call } = await setUp();
  await assertRejects(() => agent.join(undefined as unknown as typeof call), TypeError);
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  await clock.until(agent.close());
});

Deno.test("what a person writes stands in the conversation as theirs, without a model too", async () => {
  const { clock, agent, parties: [anna] } = await join({}, ["anna"]);
  anna!.sendText("Hello.");
  await clock.advance(0);
  assertEquals(
    agent.conversation!.messages.map((
      { role, participantId, text },
    ) => [role, participantId, text]),
    [["user", "anna", "Hello."]],
  );
  await clock.until(agent.close());
});
