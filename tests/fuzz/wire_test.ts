/** The wire between the two processes, with anything on it. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/edge/errors.ts";
import {
  beginRow,
  readAgentAudio,
  readPlayoutReport,
  RowReader,
  writeAgentAudio,
  writePlayoutReport,
} from "../../src/media/wire/audio_frames.ts";
import { readToChild, readToParent } from "../../src/media/wire/control.ts";
import { FrameKind, MAGIC } from "../../src/media/wire/frame.ts";
import { FrameBuffer } from "../../src/media/wire/frame_buffer.ts";
import { type Frame, FrameParser } from "../../src/media/wire/frame_parser.ts";
import { PictureReceiver, readFragmentStream } from "../../src/media/wire/video_frames.ts";
import { numRuns, withoutGrowth } from "./_fuzz.ts";

const u32 = fc.nat(0xffff_ffff);

/** Reads whatever a frame says it is, as both processes do. */
function reader(): (frame: Frame) => void {
  const row = new RowReader();
  const pictures = new PictureReceiver();
  const slot = new Int16Array(960);
  return (frame) => {
    switch (frame.kind) {
      case FrameKind.control:
        for (const read of [readToChild, readToParent]) {
          try {
            read(frame);
          } catch (error) {
            // One of the two may well not know the message.
            assert(error instanceof ProtocolError, String(error));
          }
        }
        break;
      case FrameKind.participantAudio:
        row.read(frame);
        for (let entry = 0; entry < row.count; entry++) {
          row.source(entry);
          if (row.slotSamples <= slot.length) row.copySamples(entry, slot);
        }
        break;
      case FrameKind.agentAudio:
        readAgentAudio(frame);
        break;
      case FrameKind.video:
        readFragmentStream(frame);
        pictures.read(frame);
        break;
      case FrameKind.playoutReport:
        readPlayoutReport(frame);
    }
  };
}

/** Feeds bytes in the pieces that `cuts` make of them; only typed errors come out. */
function feed(bytes: Uint8Array, cuts: number[], take = reader()): void {
  const parser = new FrameParser(take, 64);
  try {
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      let piece = bytes.subarray(at, Math.min(bytes.length, at + cut));
      at += piece.length;
      while (piece.length > 0) {
        const space = parser.space();
        const count = Math.min(space.length, piece.length);
        space.set(piece.subarray(0, count));
        parser.commit(count);
        piece = piece.subarray(count);
      }
    }
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
  }
  assert(parser.pending <= bytes.length);
}

/** A frame with a right mark and any kind, length and body. */
const frame = fc.record({
  kind: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 5 }), weight: 9 }, fc.nat(255)),
  lie: fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, fc.integer({ min: -9, max: 1 << 25 })),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    // Small numbers, as the fields have them.
    fc.array(fc.nat(3), { maxLength: 30 }).map((list) =>
      new Uint8Array(Uint32Array.from(list).buffer)
    ),
  ),
});

Deno.test("the frame parser reads any bytes of frames, or throws a typed error", () => {
  withoutGrowth(() =>
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 4 }),
        fc.array(fc.nat(60), { maxLength: 5 }),
        (frames, cuts) => {
          const parts = frames.flatMap(({ kind, lie, body }) => {
            const header = new DataView(new ArrayBuffer(8));
            header.setUint16(0, MAGIC, true);
            header.setUint8(2, kind);
            header.setUint32(4, body.length + lie, true);
            const padding = new Uint8Array((8 - body.length % 8) % 8);
            return [new Uint8Array(header.buffer), body, padding];
          });
          feed(Uint8Array.from(parts.flatMap((part) => [...part])), cuts);
        },
      ),
      { numRuns },
    )
  );
});

Deno.test("the frame parser throws a typed error on random bytes", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.nat(60), { maxLength: 5 }),
      (bytes, cuts) => feed(bytes, cuts),
    ),
    { numRuns },
  );
});

Deno.test("the message readers accept a message, or throw a typed error", () => {
  const word = fc.constantFrom(
    "start",
    "request",
    "cancel",
    "pause",
    "subscribe",
    "ready",
    "failed",
    "reply",
    "memoryLimitExceeded",
    "connection",
    "source",
    "log",
    "join",
    "leave",
    "publish",
    "flush",
    "edge",
    "stats",
  );
  const message = fc.dictionary(
    fc.constantFrom(
      "type",
      "id",
      "method",
      "params",
      "connection",
      "stream",
      "paused",
      "trackId",
      "constraints",
      "version",
      "config",
      "memoryLimit",
      "error",
      "result",
      "message",
      "level",
      "data",
    ),
    fc.oneof(word, u32, fc.boolean(), fc.jsonValue({ maxDepth: 2 })),
  );
  fc.assert(
    fc.property(message, word, (rest, type) => {
      const out = new FrameBuffer(1 << 16);
      const bytes = new TextEncoder().encode(JSON.stringify({ ...rest, type }));
      out.bytes.set(bytes, out.begin(FrameKind.control, bytes.length));
      feed(out.take(), []);
    }),
    { numRuns },
  );
});

Deno.test("the frame parser reads what was written, wherever the pipe splits it", () => {
  const samples = fc.int16Array({ maxLength: 40 });
  const ids = fc.record({ connectionId: u32, stream: u32, epoch: u32 });
  const report = fc.record({
    playedMs: fc.double({ noNaN: true }),
    trimmedMs: fc.double({ noNaN: true }),
    bufferedMs: fc.double({ noNaN: true }),
  });
  fc.assert(
    fc.property(
      ids,
      fc.boolean(),
      samples,
      report,
      fc.maxSafeNat(),
      fc.array(fc.tuple(u32, fc.int16Array({ minLength: 3, maxLength: 3 })), { maxLength: 5 }),
      fc.array(fc.nat(40), { maxLength: 6 }),
      (id, final, sent, figures, number, entries, cuts) => {
        const out = new FrameBuffer(1 << 12);
        assert(writeAgentAudio(out, { ...id, final, samples: sent }));
        assert(writePlayoutReport(out, { ...id, ...figures }));
        const count = entries.length;
        const room = beginRow(out, {
          connectionId: id.connectionId,
          number,
          count,
          slotSamples: 3,
          stream: id.stream,
          playedMs: figures.playedMs,
        });
        entries.forEach(([source, slot], entry) => {
          room!.setSource(entry, source);
          room!.samples.set(slot, room!.offset + entry * 3);
        });
        const read: unknown[] = [];
        const row = new RowReader();
        feed(out.take(), cuts, (frame) => {
          if (frame.kind === FrameKind.agentAudio) {
            const { samples, ...rest } = readAgentAudio(frame);
            read.push(rest, [...samples]);
          } else if (frame.kind === FrameKind.playoutReport) read.push(readPlayoutReport(frame));
          else {
            row.read(frame);
            read.push(row.number, row.stream, row.playedMs);
            for (let entry = 0; entry < row.count; entry++) {
              const slot = new Int16Array(3);
              row.copySamples(entry, slot);
              read.push([row.source(entry), [...slot]]);
            }
          }
        });
        assertEquals(read, [
          { ...id, final },
          [...sent],
          { ...id, ...figures },
          number,
          id.stream,
          figures.playedMs,
          ...entries.map(([source, slot]) => [source, [...slot]]),
        ]);
      },
    ),
    { numRuns: numRuns / 10 },
  );
});
