/** What a realtime model hears and says. @module */
import { SLOT_MS } from "../../../audio/grid.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { Participant } from "../../../edge/types.ts";
import { InferenceError } from "../../../inference/contracts/errors.ts";
import { expect, expectSame } from "../fixture.ts";
import type { RealtimeContract, RealtimeFixture, SessionUnderTest } from "./realtime_fixture.ts";

/** A person who speaks. */
export const ann: Participant = {
  original: undefined,
  id: "ann",
  userId: "ann",
  name: "Ann",
  kind: "person",
};

/** Characters of one to four bytes, of two code units, and joined ones. */
const UNICODE = 'Größe 水 👩‍👩‍👧 🇫🇷 "quoted" \\ \n end';

/** Returns samples that are all different. */
function samples(count: number, from = 1): Int16Array {
  return Int16Array.from({ length: count }, (_, n) => (from + n * 7) % 30_000);
}

/** Returns audio at the model's rate, as it would come from the service. */
function speech(sampleRate: number, ms: number): PcmChunk {
  return new PcmChunk(samples(sampleRate * ms / 1000), { sampleRate });
}

/** Asks for a reply, and lets the service begin it. */
async function begin(
  fixture: RealtimeFixture,
  one: SessionUnderTest,
  { id = "request-1", say, replyId = "reply-1" }: { id?: string; say?: string; replyId?: string } =
    {},
): Promise<void> {
  one.session.requestReply({ id, say });
  await fixture.received("reply-request");
  fixture.underTest.emit({ type: "reply-started", replyId, requestId: id });
  await fixture.events(one, "reply-started");
}

/** Replies. */
export const realtimeReplies: RealtimeContract = {
  "a session begins, and ends when it is disposed, twice, with nothing left": {
    test: async (fixture) => {
      const one = await fixture.connect();
      await fixture.until(one.session[Symbol.asyncDispose](), "the end");
      await fixture.until(one.session[Symbol.asyncDispose](), "the second end");
      expectSame((await fixture.until(one.ended, "the iteration's end")).error, undefined, "error");
      // Late calls do nothing: the pipeline may be in the middle of one.
      one.session.sendAudio(speech(24_000, 20), ann);
      one.session.interrupt("unknown", 0);
      await fixture.nothingLeft();
    },
  },

  "all audio is received, and what is sent does not have to stay": {
    test: async (fixture) => {
      const one = await fixture.connect();
      const { inputRate } = fixture.underTest.llm;
      const shared = new Int16Array(inputRate * SLOT_MS / 1000);
      for (let n = 0; n < 50; n++) {
        shared.set(samples(shared.length, n));
        one.session.sendAudio(new PcmChunk(shared, { sampleRate: inputRate }), ann);
        shared.fill(0);
      }
      const ms = () =>
        fixture.underTest.received.reduce(
          (sum, one) => one.type === "audio" ? sum + one.ms : sum,
          0,
        );
      await fixture.eventually(() => ms() >= 1000, "a second of audio is received");
      expectSame(Math.round(ms()), 1000, "milliseconds");
    },
  },

  "what a person says comes as it is understood": {
    test: async (fixture) => {
      const one = await fixture.connect();
      const { underTest } = fixture;
      underTest.emit({ type: "speech-started" });
      const said = { type: "user-transcript", id: "u" } as const;
      underTest.emit({ ...said, text: "How ", final: false });
      underTest.emit({ ...said, text: "How are", final: false });
      underTest.emit({ type: "speech-stopped" });
      underTest.emit({ ...said, text: UNICODE, final: true });
      const got = await fixture.events(one, "user-transcript", 3);
      expectSame(got.map(({ text, final }) => [text, final]), [
        ["How ", false],
        ["How are", false],
        [UNICODE, true],
      ], "the transcripts");
      expectSame(new Set(got.map(({ id }) => id)).size, 1, "ids of one turn");
      expect(got.every(({ error }) => error === undefined), "no transcription failed");
      const types = one.events.map(({ type }) => type);
      expect(
        types.indexOf("speech-started") < types.indexOf("speech-stopped"),
        `expected the start before the end, got ${types}`,
      );
    },
  },

  "a transcription that fails is final, and has an error": {
    test: async (fixture) => {
      const one = await fixture.connect();
      const said = { type: "user-transcript", id: "u" } as const;
      fixture.underTest.emit({ ...said, text: "How ", final: false });
      const error = new InferenceError("too noisy", { code: "failed" });
      fixture.underTest.emit({ ...said, text: "How ", final: true, error });
      const [, failed] = await fixture.events(one, "user-transcript", 2);
      expectSame(failed?.final, true, "final");
      expect(failed?.error instanceof Error, `expected an error, got ${String(failed?.error)}`);
    },
  },

  "a reply that is asked for names its request, and is whole": {
    test: async (fixture) => {
      const one = await fixture.connect();
      one.session.sendText("How are you?", { name: "Ann" });
      await begin(fixture, one, { id: "question" });
      const { underTest } = fixture;
      const { replyId } = one.of("reply-started")[0]!;
      expectSame(one.of("reply-started")[0]!.requestId, "question", "the request");
      for (const text of ["Very ", "well", ` ${UNICODE}`]) {
        underTest.emit({ type: "text", replyId: "reply-1", text });
      }
      const pcm = speech(24_000, 300);
      underTest.emit({ type: "audio", replyId: "reply-1", pcm });
      underTest.emit({ type: "audio", replyId: "reply-1", pcm });
      underTest.emit({ type: "reply-ended", replyId: "reply-1", status: "completed" });
      const [ended] = await fixture.events(one, "reply-ended");
      expectSame(ended?.status ?? "completed", "completed", "the status");
      expectSame(one.of("text").map(({ text }) => text).join(""), `Very well ${UNICODE}`, "text");
      const heard = one.of("audio").flatMap(({ samples }) => [...samples]);
      expectSame(heard.length, 2 * pcm.frames, "samples");
      expect(heard.every((sample, n) => sample === pcm.samples[n % pcm.frames]), "same samples");
      const ids = new Set([...one.of("text"), ...one.of("audio"), ended!].map((x) => x.replyId));
      expectSame([...ids], [replyId], "the reply's id");
      const received = fixture.underTest.received.map(({ type }) => type);
      expect(
        received.indexOf("item") < received.indexOf("reply-request"),
        `expected the text before the request, got ${received}`,
      );
    },
  },

  "what is to be said reaches the service word for word": {
    test: async (fixture) => {
      const one = await fixture.connect();
      one.session.requestReply({ id: "a", say: UNICODE });
      const [request] = await fixture.received("reply-request");
      expect(request?.say?.includes(UNICODE) ?? false, `expected the words, got ${request?.say}`);
    },
  },

  "a reply of the model's own accord belongs to no request": {
    test: async (fixture) => {
      const one = await fixture.connect();
      await begin(fixture, one);
      fixture.underTest.emit({ type: "reply-ended", replyId: "reply-1" });
      await fixture.events(one, "reply-ended");
      fixture.underTest.emit({ type: "reply-started", replyId: "reply-2" });
      const [, own] = await fixture.events(one, "reply-started", 2);
      expectSame(own?.requestId, undefined, "the request");
    },
  },

  "a request that comes while a reply is in progress is refused, and can be repeated": {
    test: async (fixture) => {
      const one = await fixture.connect();
      one.session.requestReply({ id: "early" });
      await fixture.received("reply-request");
      const error = new InferenceError("busy", { code: "busy", retryable: true });
      fixture.underTest.emit({ type: "reply-refused", requestId: "early", error });
      const [refused] = await fixture.events(one, "reply-refused");
      expectSame(refused?.requestId, "early", "the request");
      expect(refused?.error instanceof InferenceError, "an InferenceError");
      expectSame(refused?.error.retryable, true, "retryable");
      one.session.requestReply({ id: "again" });
      await fixture.received("reply-request", 2);
      fixture.underTest.emit({ type: "reply-started", replyId: "r", requestId: "again" });
      const [started] = await fixture.events(one, "reply-started");
      expectSame(started?.requestId, "again", "the request of the reply");
    },
  },

  "a reply that was cancelled, cut off, or failed says so": {
    test: async (fixture) => {
      const one = await fixture.connect();
      const { underTest } = fixture;
      const error = new InferenceError("sorry", { code: "server_error", retryable: true });
      const ends = [
        { status: "cancelled" },
        { status: "incomplete", reason: "max_output_tokens" },
        { status: "failed", error },
      ] as const;
      for (const [index, end] of ends.entries()) {
        const replyId = `reply-${index}`;
        underTest.emit({ type: "reply-started", replyId });
        underTest.emit({ type: "reply-ended", replyId, ...end });
      }
      const got = await fixture.events(one, "reply-ended", 3);
      expectSame(got.map(({ status }) => status), ["cancelled", "incomplete", "failed"], "status");
      expect(got[2]?.error instanceof InferenceError, "a failed reply has an InferenceError");
      expectSame(got[2]?.error?.retryable, true, "whether a failed reply can be asked for again");
    },
  },

  "calls of tools are whole, those that were cut off have a fault, and results arrive": {
    test: async (fixture) => {
      const one = await fixture.connect({
        tools: [{ name: "look", description: "Looks", parameters: { type: "object" } }],
      });
      const { underTest } = fixture;
      const replyId = "reply-1";
      underTest.emit({ type: "reply-started", replyId });
      const input = { where: UNICODE, deep: [1, { a: null }] };
      underTest.emit({ type: "tool-call", replyId, call: { id: "c1", name: "look", input } });
      const cut = { id: "c2", name: "look", input: {} };
      underTest.emit({ type: "tool-call", replyId, call: cut, fault: "cut off" });
      underTest.emit({ type: "reply-ended", replyId, status: "completed" });
      await fixture.events(one, "reply-ended");
      const calls = one.of("tool-call");
      expectSame(
        calls.map(({ call }) => [call.id, call.name]),
        [["c1", "look"], ["c2", "look"]],
        "calls",
      );
      expectSame(calls[0]?.call.input, input, "the arguments");
      expectSame(calls.map(({ fault }) => fault !== undefined), [false, true], "faults");
      one.session.sendToolResult("c1", { text: UNICODE, isError: false });
      one.session.sendToolResult("c2", { text: "error: cut off", isError: true });
      const results = await fixture.received("item", 2);
      expectSame(results.map(({ callId, text }) => [callId, text]), [
        ["c1", UNICODE],
        ["c2", "error: cut off"],
      ], "the results");
      expectSame(
        underTest.received.filter(({ type }) => type === "reply-request").length,
        0,
        "requests that nothing asked for",
      );
    },
  },

  "an interruption may come at any time, and is no failure": {
    test: async (fixture) => {
      const one = await fixture.connect();
      one.session.interrupt("never", 0);
      await begin(fixture, one);
      const { replyId } = one.of("reply-started")[0]!;
      // Before there is any audio.
      one.session.interrupt(replyId, 0);
      fixture.underTest.emit({
        type: "audio",
        replyId: "reply-1",
        pcm: speech(24_000, 500),
      });
      await fixture.events(one, "audio");
      one.session.interrupt(replyId, 200.4);
      await fixture.received("interrupt");
      fixture.underTest.emit({ type: "reply-ended", replyId: "reply-1", status: "cancelled" });
      await fixture.events(one, "reply-ended");
      one.session.interrupt(replyId, 100);
      one.session.interrupt(replyId, 1e9);
      expectSame(one.of("error").length, 0, "errors");
    },
  },

  "a turn that is committed ends": {
    part: "commit",
    test: async (fixture) => {
      const one = await fixture.connect();
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(one, "speech-started");
      one.session.commitTurn!();
      await fixture.received("commit");
      const { repliesByItself } = fixture;
      fixture.underTest.emit({ type: "speech-stopped", awaitsReply: !repliesByItself });
      const [stopped] = await fixture.events(one, "speech-stopped");
      const { awaitsReply = false } = stopped!;
      expectSame(awaitsReply, !repliesByItself, "whether a reply is to be asked for");
    },
  },

  "a new session gets the conversation, calls and results included": {
    test: async (fixture) => {
      await fixture.connect({
        history: [
          { role: "user", text: "Book it.", name: "Ann" },
          { role: "assistant", text: "Wait.", toolCalls: [{ id: "c", name: "book", input: {} }] },
          { role: "tool", callId: "c", name: "book", text: "booked", isError: false },
          { role: "assistant", text: UNICODE },
        ],
      });
      const got = await fixture.received("item", 5);
      expectSame(got.map(({ role }) => role), [
        "user",
        "assistant",
        "tool-call",
        "tool",
        "assistant",
      ], "the roles");
      expect(got[0]!.text.includes("Book it."), got[0]!.text);
      expectSame(
        got.slice(1).map(({ text }) => text),
        ["Wait.", "book", "booked", UNICODE],
        "the texts",
      );
      expectSame(got[2]!.callId, got[3]!.callId, "the id of the call and of its result");
    },
  },

  "huge and empty texts, and a very long reply, are whole": {
    test: async (fixture) => {
      const one = await fixture.connect();
      const long = "0123456789 ".repeat(20_000);
      one.session.sendText(long, {});
      one.session.sendText("", {});
      const texts = await fixture.received("item", 2);
      expectSame(texts.map(({ text }) => text.length), [long.length, 0], "lengths");
      const { underTest } = fixture;
      underTest.emit({ type: "reply-started", replyId: "r" });
      const pcm = speech(24_000, 1000);
      for (let n = 0; n < 60; n++) underTest.emit({ type: "audio", replyId: "r", pcm });
      underTest.emit({ type: "text", replyId: "r", text: long });
      underTest.emit({ type: "reply-ended", replyId: "r", status: "completed" });
      await fixture.events(one, "reply-ended");
      const count = one.of("audio").reduce((sum, { samples }) => sum + samples.length, 0);
      expectSame(count, 60 * pcm.frames, "samples");
      expectSame(one.of("text").map(({ text }) => text).join("").length, long.length, "the text");
    },
  },
};
