import type { ParticipantAudio } from "../../src/edge/participant_audio.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import type { Processor } from "../../src/agent/processor.ts";
import type { SpeakerFilter } from "../../src/inference/speakers/speaker_filter.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { AudioRow } from "../../src/edge/edge_agent.ts";
import { sleep } from "../../src/events/waiting.ts";
import type { MemoryConnection } from "../../src/testing/memory_connection.ts";
import { join, joinAnna, setUp } from "./_call.ts";

function level(ms: number, value: number, sampleRate = 16_000, channels = 1): PcmChunk {
  const samples = new Int16Array(sampleRate * ms / 1000 * channels).fill(value);
  return new PcmChunk(samples, { sampleRate, channels });
}

/** One row of 20 ms of each of these people. */
function row(connection: MemoryConnection, number: number, ...ids: string[]): AudioRow {
  const entries = ids.map((id) => {
    const participant = connection.participants.get(id)!;
    const track = [...connection.tracks.values()].find((one) => one.participant.id === id)!;
    return { participant, trackId: track.id, pcm: level(20, number), row: number };
  });
  return { count: entries.length, entries };
}

function recorder(name = "recorder") {
  const heard: { from: string; row: number; value: number }[] = [];
  const processor: Processor = {
    name,
    processAudio: ({ participant, row, pcm }) => {
      assertEquals([pcm.durationMs, pcm.channels], [20, 1]);
      heard.push({ from: participant.id, row, value: pcm.samples[160]! });
    },
  };
  return { heard, processor };
}

Deno.test("a slot is processed the moment it is complete, within the edge's own call", async () => {
  const { heard, processor } = recorder();
  const { connection, clock, agent } = await joinAnna({ processors: [processor] });
  for (const number of [1, 2, 5]) {
    connection.deliverRow(row(connection, number, "anna"));
    assertEquals(heard.at(-1), { from: "anna", row: number, value: number });
  }
  await clock.until(agent.close());
});

Deno.test("audio of any length, rate and channels comes as slots of 20 ms", async () => {
  let heardMs = 0;
  const { clock, agent, anna } = await joinAnna({
    onAudio: ({ pcm }) => {
      assertEquals([pcm.samples.length, pcm.sampleRate, pcm.channels], [480, 24_000, 1]);
      heardMs += pcm.durationMs;
    },
    sampleRate: 24_000,
  });
  for (const [ms, rate, channels] of [[10, 48_000, 1], [30, 48_000, 2], [25, 16_000, 1]]) {
    for (let n = 0; n < 40; n++) anna.send(level(ms!, 5000, rate, channels));
  }
  await clock.advance(1000);
  assertAlmostEquals(heardMs, 40 * 65, 20);
  assertEquals(agent.droppedSlots, 0);
  await clock.until(agent.close());
});

Deno.test("a second of stereo is a second", async () => {
  let heardMs = 0;
  const { clock, agent, anna } = await joinAnna({
    onAudio: ({ pcm }) => void (heardMs += pcm.durationMs),
  });
  for (let n = 0; n < 50; n++) anna.send(level(20, 100, 16_000, 2));
  await clock.advance(1000);
  assertEquals(heardMs, 1000);
  await clock.until(agent.close());
});

Deno.test("what people say while the agent waits and joins is not lost", async () => {
  const { heard, processor } = recorder();
  const { clock, edge, agent, call } = await setUp({ processors: [processor] });
  const slow = edge.createConversation.bind(edge);
  edge.createConversation = async (...args) => {
    await sleep(3000, { clock });
    return await slow(...args);
  };
  const anna = edge.enter(call, { userId: "anna" });
  const joining = agent.join(call);
  await clock.advance(500);
  await clock.until(anna.speak(level(2000, 7)));
  assertEquals(heard.length, 0);
  await clock.until(joining);
  await clock.advance(100);
  assertEquals(heard.length, 100);
  await clock.until(agent.close());
});

Deno.test("slots are processed row by row, however they arrive", async () => {
  const { heard, processor } = recorder();
  const gate = Promise.withResolvers<void>();
  const blocker: Processor = { name: "blocker", processAudio: () => gate.promise };
  const people = ["anna", "bert", "carl"];
  const { connection, clock, agent } = await join({ processors: [processor, blocker] }, people);
  connection.deliverRow(row(connection, 0, "anna"));
  for (const id of ["carl", "anna", "bert"]) {
    for (let number = 1; number <= 4; number++) connection.deliverRow(row(connection, number, id));
  }
  gate.resolve();
  await clock.advance(100);
  assertEquals(heard.map((one) => one.row), [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
  await clock.until(agent.close());
});

Deno.test("what waited says what had been played when it was heard, not when it is processed", async () => {
  const playedMs: (number | undefined)[] = [];
  const gate = Promise.withResolvers<void>();
  const { connection, clock, agent } = await joinAnna({
    onAudio: (audio) => {
      playedMs.push(audio.playedMs);
      return gate.promise;
    },
  });
  for (let number = 1; number <= 3; number++) {
    const { count, entries } = row(connection, number, "anna");
    const playedMs = 20 * number + 0.5;
    connection.deliverRow({ count, entries: entries.map((one) => ({ ...one, playedMs })) });
  }
  connection.deliverRow(row(connection, 4, "anna"));
  gate.resolve();
  await clock.advance(100);
  assertEquals(playedMs, [20.5, 40.5, 60.5, undefined]);
  await clock.until(agent.close());
});

Deno.test("a view stays as it is until the processor's promise settles", async () => {
  const seen: number[] = [];
  const { connection, clock, agent, errors } = await joinAnna({
    onAudio: async ({ pcm }) => {
      const before = pcm.samples[0]!;
      await sleep(100, { clock: theClock });
      seen.push(pcm.samples[0]! - before);
    },
  });
  const theClock = clock;
  for (let number = 1; number <= 1000; number++) {
    connection.deliverRow(row(connection, number, "anna"));
  }
  await clock.advance(1000);
  assert(seen.length >= 9 && seen.every((difference) => difference === 0));
  assert(agent.droppedSlots >= 590, `dropped ${agent.droppedSlots}`);
  assertEquals(errors.filter((one) => one.startsWith("processing audio")).length, 1);
  await clock.until(agent.close());
});

Deno.test("after a stall the agent works in batches and others get their turn between them", async () => {
  const { heard, processor } = recorder();
  const { connection, clock, agent } = await joinAnna({ processors: [processor] });
  await clock.advance(1000);
  for (let number = 1; number <= 200; number++) {
    connection.deliverRow(row(connection, number, "anna"));
  }
  assertEquals(heard.length, 25);
  const turns: number[] = [];
  const watch = () => {
    turns.push(heard.length);
    if (heard.length < 200) clock.schedule(watch, 0);
  };
  clock.schedule(watch, 0);
  await clock.advance(1);
  assertEquals(heard.map((one) => one.row), Array.from({ length: 200 }, (_, n) => n + 1));
  assert(turns.length >= 7, `${turns}`);
  assertEquals(agent.droppedSlots, 0);
  await clock.until(agent.close());
});

Deno.test("a processor that throws is reported and skipped, the others go on", async () => {
  const { heard, processor } = recorder();
  const { connection, clock, agent, errors } = await joinAnna({
    processors: [
      {
        name: "thrower",
        processAudio: () => {
          throw new Error("bad frame");
        },
      },
      { name: "rejecter", processAudio: () => Promise.reject(new Error("bad promise")) },
      processor,
    ],
  });
  for (let number = 0; number < 100; number++) {
    connection.deliverRow(row(connection, number, "anna"));
    await clock.advance(20);
  }
  assertEquals(heard.length, 100);
  const of = (name: string) => errors.filter((one) => one.startsWith(`processor ${name}`));
  assertEquals([of("thrower").length, of("rejecter").length], [2, 2], "at most once a second");
  await clock.until(agent.close());
});

Deno.test("a processor that never settles is left behind; the others hear again", async () => {
  const { heard, processor } = recorder();
  const { connection, clock, agent, errors } = await joinAnna({
    processors: [{ name: "hung", processAudio: () => new Promise(() => {}) }, processor],
  });
  for (let number = 0; number < 400; number++) {
    connection.deliverRow(row(connection, number, "anna"));
    await clock.advance(20);
  }
  assertEquals(heard.length, 400);
  assertEquals(errors.length, 1);
  assert(errors[0]!.includes("took more than 5000 ms"));
  await clock.until(agent.close());
  assertEquals(clock.pending, 0);
});

Deno.test("a processor that is left behind keeps its view, and hears again when it is done", async () => {
  const gate = Promise.withResolvers<void>();
  const { heard, processor } = recorder();
  const seen: number[] = [];
  const { connection, clock, agent } = await joinAnna({
    processors: [{
      name: "slow",
      processAudio: async (audio) => {
        const { pcm, row } = audio;
        if (row === 0) await gate.promise;
        seen.push(pcm.samples[0]!, audio.row);
      },
    }, processor],
  });
  for (let number = 0; number < 400; number++) {
    connection.deliverRow(row(connection, number, "anna"));
    await clock.advance(20);
  }
  assertEquals([heard.length, seen], [400, []]);
  gate.resolve();
  await clock.advance(20);
  connection.deliverRow(row(connection, 400, "anna"));
  await clock.advance(20);
  assertEquals(seen, [0, 0, 400, 400]);
  await clock.until(agent.close());
});

Deno.test("two tracks of one participant are two streams", async () => {
  const { heard, processor } = recorder();
  const { connection, clock, agent } = await joinAnna({ processors: [processor] });
  const participant = connection.participants.get("anna")!;
  for (let number = 0; number < 3; number++) {
    connection.deliverRow({
      count: 2,
      entries: ["mic", "screen"].map((trackId, n) => ({
        participant,
        trackId,
        pcm: level(20, 100 * n + number),
        row: number,
      })),
    });
  }
  assertEquals(heard.map((one) => one.value), [0, 100, 1, 101, 2, 102]);
  await clock.until(agent.close());
});

Deno.test("one user on two devices is heard as two participants", async () => {
  const from: string[] = [];
  const { clock, edge, agent, call } = await join({
    onAudio: ({ participant }) => void from.push(`${participant.userId} on ${participant.id}`),
  });
  const laptop = edge.enter(call, { userId: "anna", id: "laptop" });
  const phone = edge.enter(call, { userId: "anna", id: "phone" });
  await clock.until(Promise.all([laptop.speak(level(20, 1)), phone.speak(level(20, 1))]));
  laptop.leave();
  await clock.until(phone.speak(level(20, 1)));
  await clock.advance(20);
  assertEquals(from, ["anna on laptop", "anna on phone", "anna on phone"]);
  await clock.until(agent.close());
});

Deno.test("a mute closes the open slot, and what was heard before is processed before it is reported", async () => {
  const log: string[] = [];
  const { clock, agent, anna } = await joinAnna({
    processors: [{
      name: "log",
      processAudio: ({ pcm }) => void log.push(`${pcm.samples[0]} ${pcm.samples[319]}`),
      trackUpdated: (track) => void log.push(track.muted ? "muted" : "unmuted"),
    }],
  });
  anna.send(level(30, 7));
  assertEquals(log, ["7 7"]);
  anna.mute();
  assertEquals(log, ["7 7", "7 0", "muted"]);
  anna.unmute();
  anna.send(level(20, 8));
  assertEquals(log.slice(3), ["unmuted", "8 8"]);
  await clock.until(agent.close());
});

Deno.test("a leaver's last words are processed before their leaving is reported, and nothing is kept", async () => {
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { clock, agent, anna } = await joinAnna({
    processors: [{
      name: "log",
      processAudio: async ({ pcm }) => {
        await gate.promise;
        log.push(`${pcm.samples[0]} ${pcm.samples[319]}`);
      },
      trackRemoved: (track) => void log.push(`${track.id} removed`),
      participantLeft: (participant) => void log.push(`${participant.id} left`),
    }],
    speakerFilter: {
      passes: () => true,
      participantLeft: (participant) => void log.push(`filter forgets ${participant.id}`),
    },
  });
  anna.send(level(50, 7));
  const microphone = anna.microphone;
  anna.leave();
  assertEquals(log, []);
  gate.resolve();
  await clock.advance(100);
  assertEquals(log, [
    "7 7",
    "7 7",
    "7 0",
    `${microphone} removed`,
    "filter forgets anna",
    "anna left",
  ]);
  await clock.until(agent.close());
});

Deno.test("a thousand people come and go, and no ring is left of them", async () => {
  const heard = { slots: 0 };
  const { clock, edge, agent, call } = await join({ onAudio: () => void heard.slots++ });
  for (let n = 0; n < 1000; n++) {
    const guest = edge.enter(call, { userId: `guest ${n}` });
    guest.send(level(30, 5));
    guest.leave();
  }
  await clock.advance(100);
  assertEquals(agent.openInputTracks, 0);
  assertEquals(heard.slots, 2000);
  await clock.until(agent.close());
});

Deno.test("the speaker filter sees whole rows and is asked about one who is alone too", async () => {
  const { heard, processor } = recorder();
  const rows: string[] = [];
  const filter: SpeakerFilter = {
    passes: (audio, row) => {
      rows.push(`${audio.participant.id} of ${row.map((one) => one.participant.id)}`);
      return audio.participant.id === "bert";
    },
  };
  const { connection, clock, agent, parties } = await join(
    { processors: [processor], speakerFilter: filter },
    ["anna", "bert"],
  );
  connection.deliverRow(row(connection, 0, "anna", "bert"));
  assertEquals(rows, ["anna of anna,bert", "bert of anna,bert"]);
  assertEquals(heard.map((one) => one.from), ["bert"]);
  parties[1]!.leave();
  connection.deliverRow(row(connection, 1, "anna"));
  assertEquals(rows.slice(2), ["anna of anna"]);
  assertEquals(heard.map((one) => one.from), ["bert"]);
  await clock.until(agent.close());
});

Deno.test("what a speaker filter does to the row that it is shown changes no participant's audio", async () => {
  const spoil: ((row: ParticipantAudio[]) => void)[] = [
    (row) => row.length = 0,
    (row) => row.sort((one, other) => one.participant.id < other.participant.id ? 1 : -1),
    (row) => row.push(row[0]!),
  ];
  for (const act of spoil) {
    const { heard, processor } = recorder();
    const speakerFilter: SpeakerFilter = {
      passes: (_, row) => {
        assertEquals(row.map((one) => one.participant.id), ["anna", "bert", "cleo"]);
        act(row as ParticipantAudio[]);
        return true;
      },
    };
    const { connection, clock, agent } = await join(
      { processors: [processor], speakerFilter },
      ["anna", "bert", "cleo"],
    );
    connection.deliverRow(row(connection, 0, "anna", "bert", "cleo"));
    assertEquals(heard.map((one) => one.from), ["anna", "bert", "cleo"]);
    await clock.until(agent.close());
  }
});

Deno.test("a speaker filter that gives no answer lets no participant pass, and is asked again", async () => {
  const slips: Record<string, () => unknown> = {
    "throws": () => {
      throw new Error("not warmed up");
    },
    "rejects": () => Promise.reject(new Error("not warmed up")),
    "never settles": () => new Promise(() => {}),
    "a promise of true": () => Promise.resolve(true),
    "a number": () => 1,
    "nothing": () => undefined,
    "a list": () => [true],
    "then throws": () => ({
      then() {
        throw new Error("not warmed up");
      },
    }),
    "reading then throws": () => ({
      get then() {
        throw new Error("not warmed up");
      },
    }),
  };
  for (const [name, slip] of Object.entries(slips)) {
    const { heard, processor } = recorder();
    let isWarm = false;
    const { connection, clock, agent, errors } = await join({
      processors: [processor],
      speakerFilter: {
        passes: ({ participant }) => isWarm || participant.id === "anna" || slip() as boolean,
      },
    }, ["anna", "bert"]);
    for (let number = 0; number < 10; number++) {
      connection.deliverRow(row(connection, number, "anna", "bert"));
    }
    assertEquals(heard.map((one) => one.from), Array(10).fill("anna"), name);
    isWarm = true;
    connection.deliverRow(row(connection, 10, "anna", "bert"));
    assertEquals(heard.slice(10).map((one) => one.from), ["anna", "bert"], name);
    await clock.until(agent.close());
    assertEquals(errors.length, 1, `${name}: ${errors}`);
    assert(errors[0]!.startsWith("the speaker filter"), errors[0]);
  }
});

Deno.test("agents are heard only by those who asked to hear them", async () => {
  for (const hearsAgents of [false, true]) {
    const from: string[] = [];
    const { clock, edge, agent, call } = await joinAnna({
      hearsAgents,
      onAudio: ({ participant }) => void from.push(participant.userId),
    });
    const other = new Agent({ edge, agentUser: { id: "other", name: "Other" } });
    await clock.until(other.join(call, { participantWaitTimeoutMs: 0 }));
    await other.audio.write(level(100, 5), { final: true });
    await clock.advance(500);
    assertEquals(from.length > 0, hearsAgents);
    assertEquals(new Set(from), new Set(hearsAgents ? ["other"] : []));
    await clock.until(Promise.all([agent.close(), other.close()]));
  }
});

Deno.test("an echo says what it hears, without building up a delay", async () => {
  const echo = await joinAnna({
    audioMode: "live",
    onAudio: (heard: ParticipantAudio) => theEcho.audio.write(heard.pcm),
  });
  const theEcho = echo.agent;
  let sounding = 0;
  echo.anna.onAudio = (samples) => void (sounding += samples.some((one) => one !== 0) ? 10 : 0);
  await echo.clock.until(echo.anna.speak(level(5000, 4000)));
  await echo.clock.advance(30);
  assertAlmostEquals(sounding, 5000, 20);
  assertEquals(theEcho.audio.bufferedMs, 0);
  await echo.clock.until(theEcho.close());
});
