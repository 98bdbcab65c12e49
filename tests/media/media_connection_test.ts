import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { ConnectionError, EdgeError } from "../../src/edge/errors.ts";
import {
  CallEndedEvent,
  ConnectionStateChangedEvent,
  CustomEventReceivedEvent,
  ErrorEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
} from "../../src/edge/events.ts";
import { MediaConnection } from "../../src/media/parent/media_connection.ts";
import { closeOf, fakeProcess, isAlive, linkOf, testAgent, TestEdge } from "./_fixture.ts";
import { until } from "../fixtures/until.ts";

Deno.test("a join announces who and what is there, and leaving ends the process", async () => {
  await using edge = new TestEdge(fakeProcess());
  edge.params = { secret: "x" };
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  assertEquals(connection.state, "active");
  assertEquals(connection.joined, { said: { secret: "x" } });
  assertEquals([...connection.participants.values()].map(({ name }) => name), ["Ann"]);
  assertEquals([...connection.tracks.keys()], ["t1"]);
  const pid = edge.process.pid!;
  await connection.close();
  assertEquals(await connection.closed, "left");
  assertEquals(await isAlive(pid), false);
});

Deno.test("a refused join rejects with the child's reason and leaves nothing behind", async () => {
  await using edge = new TestEdge(fakeProcess());
  edge.params = "refuse";
  const call = await edge.createCall("call");
  const error = await assertRejects(() => edge.join(testAgent(), call), EdgeError, "room is full");
  assertEquals(error.code, "room-full");
  assertEquals(edge.process.pid, undefined);
  assertEquals(edge.connections.size, 0);
});

Deno.test("a join that hangs ends at its own limit, or at its signal", async () => {
  await using edge = new TestEdge(fakeProcess());
  edge.params = "hang";
  const call = await edge.createCall("call");
  const late = await assertRejects(() => edge.join(testAgent(), call, { timeoutMs: 300 }));
  assertEquals((late as Error).name, "TimeoutError");
  assertEquals(edge.process.pid, undefined);

  const abort = new AbortController();
  const join = edge.join(testAgent(), call, { signal: abort.signal });
  await until("the process starting", () => edge.process.pid);
  abort.abort(new Error("changed my mind"));
  await assertRejects(() => join, Error, "changed my mind");
  assertEquals(edge.process.pid, undefined);
});

Deno.test("a join whose signal was aborted before starts no process", async () => {
  await using edge = new TestEdge(fakeProcess({
    spawn: () => {
      throw new Error("must not start");
    },
  }));
  const call = await edge.createCall("call");
  const signal = AbortSignal.abort(new Error("never mind"));
  await assertRejects(() => edge.join(testAgent(), call, { signal }), Error, "never mind");
});

/** What an agent is told about its connection and who is there. */
function told(edge: TestEdge): string[] {
  const lines: string[] = [];
  edge.events.subscribe(ConnectionStateChangedEvent, ({ state, reconnecting }) => {
    lines.push(reconnecting ? `${state}, reconnecting` : state);
  });
  edge.events.subscribe(ParticipantJoinedEvent, ({ participant }) => {
    lines.push(`${participant.id} joined`);
  });
  edge.events.subscribe(ParticipantLeftEvent, ({ participant }) => {
    lines.push(`${participant.id} left`);
  });
  edge.events.subscribe(TrackAddedEvent, ({ track }) => void lines.push(`${track.id} added`));
  edge.events.subscribe(TrackRemovedEvent, ({ track }) => void lines.push(`${track.id} removed`));
  return lines;
}

Deno.test("connections of a process that dies are in their calls again within a second, with the same people", async () => {
  await using edge = new TestEdge(fakeProcess());
  const call = await edge.createCall("call");
  const rows: number[] = [];
  const first = await edge.join(testAgent((row) => rows.push(row.entries[0]!.row)), call);
  const second = await edge.join(testAgent(), call);
  const lease = await edge.process.acquire();
  await lease.request("rows", 50);
  await until("the rows", () => rows.length === 50);
  const lines = told(edge);
  const before = performance.now();
  Deno.kill(edge.process.pid!, "SIGKILL");
  await until("reconnecting", () => first.isReconnecting && second.isReconnecting);
  // What the agent does meanwhile waits for the call.
  await first.sendCustomEvent("meanwhile");
  await until("being back", () => !first.isReconnecting && !second.isReconnecting);
  assertLess(performance.now() - before, 1500);
  const cut = "active, reconnecting";
  assertEquals(lines, [cut, cut, "active", "active"]);
  assertEquals([...first.participants.keys(), ...first.tracks.keys()], ["p1", "t1"]);
  await lease.request("rows", 2);
  await until("rows of the next process", () => rows.length === 52);
  const [last, next, after] = rows.slice(-3) as [number, number, number];
  // The numbers go on, with a gap as long as there was nothing.
  assert(next > last && next - last < 100 && after === next + 1, `${rows.slice(-3)}`);
  await lease.release();
});

Deno.test("MediaConnection comes back while another one of its call cannot join again yet", async () => {
  await using edge = new TestEdge(fakeProcess());
  const call = await edge.createCall("call");
  const first = await edge.join(testAgent(), call);
  let isOpen = false;
  const away = () => new ConnectionError("away", { code: "unreachable", retryable: true });
  const late = await MediaConnection.open(edge, {
    agent: testAgent(),
    call,
    process: edge.process,
    params: null,
    rejoinParams: () => isOpen ? Promise.resolve(null) : Promise.reject(away()),
  });
  Deno.kill(edge.process.pid!, "SIGKILL");
  await until("reconnecting", () => late.isReconnecting);
  await until("the first one's return", () => !first.isReconnecting);
  assertEquals([first.state, late.isReconnecting], ["active", true]);
  isOpen = true;
  await until("the other one's return", () => !late.isReconnecting);
  assertEquals(late.state, "active");
});

Deno.test("MediaConnection publishes through the next process, and says which event may have been sent", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const pid = edge.process.pid!;
  Deno.kill(pid, "SIGSTOP");
  const published = connection.publishTracks({ audio: edge.createAudioTrack() });
  const event = assertRejects(
    () => connection.sendCustomEvent("once"),
    EdgeError,
    "a custom event",
  );
  Deno.kill(pid, "SIGKILL");
  assertEquals((await event).code, "media-process-replaced");
  // While no process is there, they wait.
  await Promise.all([published, connection.sendCustomEvent("later")]);
  assertEquals([connection.state, connection.isReconnecting], ["active", false]);
});

Deno.test("MediaConnection that closes while its process is replaced reports no error", async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  await using edge = new TestEdge(process);
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const pid = process.pid!;
  Deno.kill(pid, "SIGKILL");
  await until("the next process", () => process.pid !== pid);
  await connection.close();
  await lease.release();
  assertEquals([await connection.closed, errors], ["left", []]);
});

Deno.test("who did not come back with the next process has left, and their tracks are gone", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lines = told(edge);
  edge.params = "empty";
  Deno.kill(edge.process.pid!, "SIGKILL");
  await until("being back", () => lines.includes("idle") && !connection.isReconnecting);
  assertEquals(lines.toSorted(), [
    "active, reconnecting",
    "idle",
    "idle, reconnecting",
    "p1 left",
    "t1 removed",
  ]);
  assertEquals([connection.participants.size, connection.tracks.size], [0, 0]);
});

Deno.test("the third loss within a minute closes connections, and says why; the next join works", async () => {
  await using edge = new TestEdge(fakeProcess());
  const ends: unknown[] = [];
  using _ = edge.events.subscribe(CallEndedEvent, ({ reason, error }) => {
    ends.push(reason, (error as EdgeError).code);
  });
  const call = await edge.createCall("call");
  const first = await edge.join(testAgent(), call);
  const second = await edge.join(testAgent(), call);
  for (let loss = 1; loss < 3; loss++) {
    Deno.kill(edge.process.pid!, "SIGKILL");
    await until("reconnecting", () => first.isReconnecting);
    await until("being back", () => !first.isReconnecting && !second.isReconnecting);
  }
  const closes = Promise.all([closeOf(first), closeOf(second)]);
  Deno.kill(edge.process.pid!, "SIGKILL");
  for (const { reason, ms } of await closes) {
    assertEquals(reason, "media-process-lost");
    assertLess(ms, 1000);
  }
  await until("the events", () => ends.length === 4);
  assertEquals(new Set(ends), new Set(["media-process-lost"]));
  const again = await edge.join(testAgent(), call);
  assertEquals(again.state, "active");
});

Deno.test("a call whose message came last before two crashes is not opened again; another one goes on", async () => {
  const refused: unknown[] = [];
  await using edge = new TestEdge(fakeProcess({ onRefused: (call) => refused.push(call.id) }));
  const good = await edge.join(testAgent(), await edge.createCall("good"));
  const bad = await edge.join(testAgent(), await edge.createCall("bad"));
  const lease = await edge.process.acquire();
  const crash = async () => {
    const pid = edge.process.pid;
    await lease.request("crash", { callId: "bad" }).catch(() => {});
    await until("the next process", () => edge.process.pid !== pid && !good.isReconnecting);
  };
  await crash();
  assertEquals([good.state, bad.state, refused], ["active", "active", []]);
  await crash();
  assertEquals([good.state, await bad.closed, refused], ["active", "media-process-lost", ["bad"]]);
  await lease.release();
});

Deno.test("a user whose message came last before two crashes is refused; their call goes on", async () => {
  const refused: unknown[] = [];
  const process = fakeProcess({ onRefused: (one) => refused.push(one) });
  await using edge = new TestEdge(process);
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lease = await process.acquire();
  for (let crash = 1; crash <= 2; crash++) {
    const { pid } = process;
    await lease.request("crash", { callId: "call", userId: "u1" }).catch(() => {});
    await until("the next process", () => process.pid !== pid && !connection.isReconnecting);
  }
  assertEquals(connection.state, "active");
  assertEquals(refused, [{ type: "default", id: "call", userId: "u1" }]);
  await lease.release();
});

Deno.test("what an agent has still to say is said by the next process, and no more than 100 ms of it twice", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const track = edge.createAudioTrack();
  await connection.publishTracks({ audio: track });
  const samples = new Int16Array(48_000).fill(1000);
  await track.write(new PcmChunk(samples, { sampleRate: 48_000 }), { final: true });
  const lease = await edge.process.acquire();
  await until("a quarter of it being played", async () => {
    // So many ticks of 10 ms.
    await lease.request("tick", 5);
    return track.playedMs >= 250;
  });
  const before = track.playedMs;
  Deno.kill(edge.process.pid!, "SIGKILL");
  await until("reconnecting", () => connection.isReconnecting);
  await until("being back", () => !connection.isReconnecting);
  let heard = 0;
  await until("the rest being played", async () => {
    heard += Number(await lease.request("tick", 5));
    return track.playedMs === 1000;
  });
  assert(Math.abs(before + heard / 48 - 1000) <= 100, `${before} ms, then ${heard / 48} ms`);
  assertEquals(track.bufferedMs, 0);
  await lease.release();
  track.close();
});

Deno.test("the process is gone when its parent is killed", async () => {
  const fixture = new URL("./fixtures/doomed_parent.ts", import.meta.url);
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", fixture.href],
    stdout: "piped",
  }).spawn();
  const reader = parent.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { child } = JSON.parse((await reader.read()).value!);
  assert(await isAlive(child));
  parent.kill("SIGKILL");
  await parent.status;
  await until("the child going", async () => !await isAlive(child), 1000);
  await reader.cancel();
});

Deno.test("custom events go to the child and come back as events", async () => {
  await using edge = new TestEdge(fakeProcess());
  const received: unknown[] = [];
  using _ = edge.events.subscribe(CustomEventReceivedEvent, ({ data, participant }) => {
    received.push(data, participant?.name);
  });
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  await connection.sendCustomEvent({ type: "hello", text: "ä" });
  await until("the event", () => received.length > 0);
  assertEquals(received, [{ type: "hello", text: "ä" }, "Ann"]);
});

Deno.test("a custom event for one participant goes to no other where the child cannot tell them apart", async () => {
  await using edge = new TestEdge(fakeProcess());
  const received: unknown[] = [];
  using _ = edge.events.subscribe(CustomEventReceivedEvent, ({ data }) => void received.push(data));
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const error = await assertRejects(() => connection.sendCustomEventTo("p1", "psst"), EdgeError);
  assertEquals(error.code, "unsupported");
  await connection.sendCustomEvent("to all");
  await until("the event", () => received.includes("to all"));
  assertEquals(received, ["to all"]);
});

Deno.test("rows come in order with their participant, and what is lost shows in the numbers", async () => {
  const numbers: number[] = [];
  let wrong = 0;
  await using edge = new TestEdge(fakeProcess());
  const agent = testAgent((row) => {
    const [entry] = row.entries;
    numbers.push(entry!.row);
    if (row.count !== 1 || entry?.participant.id !== "p1" || entry.trackId !== "t1") wrong++;
    if (entry?.pcm.samples.some((sample) => sample !== entry.row)) wrong++;
  });
  const connection = await edge.join(agent, await edge.createCall("call"));
  const lease = await edge.process.acquire();
  // More than the 8 s that are kept, in one go: the oldest give way.
  await lease.request("rows", 500);
  await until("the last row", () => numbers.at(-1) === 499);
  assertEquals(numbers, Array.from({ length: 400 }, (_, index) => index + 100));
  assertEquals(wrong, 0);
  await lease.release();
  await connection.close();
});

Deno.test("control overtakes a backlog that an agent has not read", async () => {
  let rows = 0;
  await using edge = new TestEdge(fakeProcess());
  const agent = testAgent(() => rows++, { sampleRate: 48_000 });
  const connection = await edge.join(agent, await edge.createCall("call"));
  const lease = await edge.process.acquire();
  // 400 rows of 2 KB fill the pipe many times over while this thread does not read.
  const filling = lease.request("rows", 400);
  const asking = lease.request("echo", "first");
  await Promise.resolve();
  const end = performance.now() + 300;
  while (performance.now() < end);
  assertEquals(await asking, "first");
  const before = rows;
  await filling;
  await until("the rest", () => rows === 400);
  assert(before < 400, `${before} of 400 rows came before the answer`);
  await lease.release();
  await connection.close();
});

Deno.test("what an agent says reaches the child whole, and a flush says what was not played", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const track = edge.createAudioTrack();
  await connection.publishTracks({ audio: track });
  // Nothing plays out here: no room reads the ring.
  await track.write(new PcmChunk(new Int16Array(16_000), { sampleRate: 16_000 }));
  const flushed = await track.flush();
  assertEquals(flushed.playedMs, 0);
  assert(Math.abs(flushed.discardedMs - 1000) < 5, `discarded ${flushed.discardedMs} ms`);
  track.close();
});

Deno.test("an agent that throws at a row harms neither its call nor the process", async () => {
  await using edge = new TestEdge(fakeProcess());
  let rows = 0;
  const agent = testAgent(() => {
    rows++;
    throw new Error("on purpose");
  });
  const connection = await edge.join(agent, await edge.createCall("call"));
  const lease = await edge.process.acquire();
  await lease.request("rows", 3);
  await until("all rows", () => rows === 3);
  assertEquals(connection.state, "active");
  await lease.release();
});

Deno.test("who joins with a wrong user or call is told so, and no other call notices", async () => {
  await using edge = new TestEdge(fakeProcess());
  const call = await edge.createCall("call");
  const other = await edge.join(testAgent(), call);
  const pid = edge.process.pid;
  const as = (user: unknown) => ({ ...testAgent(), user }) as ReturnType<typeof testAgent>;
  for (const user of [{ id: "a" }, { id: "a", name: "A", image: 5 }, { id: 5, name: "A" }, null]) {
    await assertRejects(() => edge.join(as(user), call), TypeError, "agent.user");
  }
  const wrong = { id: 5, type: "default" } as unknown as typeof call;
  await assertRejects(() => edge.join(testAgent(), wrong), TypeError, "call.id");
  const deaf = testAgent(undefined, { sampleRate: 8000 as 16_000 });
  await assertRejects(() => edge.join(deaf, call), TypeError, "audioSubscription.sampleRate");
  assertEquals([other.state, edge.process.pid, edge.connections.size], ["active", pid, 1]);
  assertEquals(edge.process.leases, 1);
  await other.close();
  assertEquals(edge.process.pid, undefined);
});

Deno.test("an edge that is closed while the process starts leaves no process behind", async () => {
  const edge = new TestEdge(fakeProcess());
  const joining = edge.join(testAgent(), await edge.createCall("call"));
  await until("the process starting", () => edge.process.pid);
  await edge.close();
  await assertRejects(() => joining, EdgeError, "the edge is closed");
  assertEquals([edge.process.leases, edge.process.pid], [0, undefined]);
});

Deno.test("a process that fails says goodbye to the people, and the agents see it replaced", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lease = await edge.process.acquire();
  // A second start: the two ends no longer speak of the same thing.
  linkOf(lease).send({
    type: "start",
    version: 99,
    config: null,
    memoryLimit: { bytes: 1, checkEveryMs: 99 },
    replaces: false,
  });
  await until("reconnecting", () => connection.isReconnecting);
  await until("being back", () => !connection.isReconnecting);
  assertEquals(connection.state, "active");
  await lease.release();
});

Deno.test("what is heard lags behind what was played by what the listeners report", async () => {
  await using edge = new TestEdge(fakeProcess());
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const track = edge.createAudioTrack();
  await connection.publishTracks({ audio: track });
  await track.write(new PcmChunk(new Int16Array(24_000), { sampleRate: 48_000 }));
  const lease = await edge.process.acquire();
  const before = performance.now();
  await until("what was played", async () => {
    await lease.request("play", { heardDelayMs: 300 });
    return track.playedMs === 500;
  });
  // From then on it catches up with the time that passes.
  const { heardMs } = track;
  assert(heardMs >= 200 && heardMs <= 201 + performance.now() - before, `${heardMs} ms`);
  await lease.release();
  track.close();
});
