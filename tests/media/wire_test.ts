import { assert, assertEquals, assertThrows } from "@std/assert";
import { EdgeError, ProtocolError } from "../../src/edge/errors.ts";
import {
  beginRow,
  readAgentAudio,
  readPlayoutReport,
  RowReader,
  writeAgentAudio,
  writePlayoutReport,
} from "../../src/media/wire/audio_frames.ts";
import { readToChild, readToParent } from "../../src/media/wire/control.ts";
import { FrameKind } from "../../src/media/wire/frame.ts";
import { FrameBuffer } from "../../src/media/wire/frame_buffer.ts";
import { type Frame, FrameParser } from "../../src/media/wire/frame_parser.ts";
import { FrameWriter } from "../../src/media/wire/frame_writer.ts";
import { PictureReceiver, PictureSender } from "../../src/media/wire/video_frames.ts";

/** Everything that a stream of frames holds, as plain values. */
function contents(): { take: (frame: Frame) => void; all: unknown[] } {
  const all: unknown[] = [];
  const row = new RowReader();
  const pictures = new PictureReceiver();
  const take = (frame: Frame) => {
    switch (frame.kind) {
      case FrameKind.control:
        all.push(readToParent(frame));
        break;
      case FrameKind.participantAudio: {
        row.read(frame);
        const entries = Array.from({ length: row.count }, (_, entry) => {
          const samples = new Int16Array(row.slotSamples);
          row.copySamples(entry, samples);
          return [row.source(entry), [...samples]];
        });
        const { connectionId, number, stream, playedMs } = row;
        all.push({ connectionId, number, stream, playedMs, entries });
        break;
      }
      case FrameKind.agentAudio: {
        const audio = readAgentAudio(frame);
        all.push({ ...audio, samples: [...audio.samples] });
        break;
      }
      case FrameKind.video: {
        const picture = pictures.read(frame);
        if (picture) all.push({ ...picture, data: [...picture.data] });
        break;
      }
      case FrameKind.playoutReport:
        all.push(readPlayoutReport(frame));
    }
  };
  return { take, all };
}

/** One frame of each kind, with lengths that need padding. */
function sample(): Uint8Array<ArrayBuffer> {
  const out = new FrameBuffer(1 << 20);
  const text = new TextEncoder().encode('{"type":"edge","message":{"ä":[1,null,"x"]}}');
  out.bytes.set(text, out.begin(FrameKind.control, text.length));
  const row = beginRow(out, {
    connectionId: 7,
    number: 2 ** 40,
    count: 2,
    slotSamples: 5,
    stream: 3,
    playedMs: 12.5,
  })!;
  for (let entry = 0; entry < 2; entry++) {
    row.setSource(entry, 100 + entry);
    for (let index = 0; index < 5; index++) {
      row.samples[row.offset + entry * 5 + index] = entry * -1000 + index;
    }
  }
  writeAgentAudio(
    out,
    {
      connectionId: 7,
      stream: 3,
      epoch: 2,
      final: true,
      samples: new Int16Array([-32768, 0, 32767]),
    },
  );
  writePlayoutReport(out, {
    connectionId: 7,
    stream: 3,
    epoch: 2,
    playedMs: 12.5,
    trimmedMs: 1,
    bufferedMs: 400,
  });
  const sender = new PictureSender(7, 9);
  const data = Uint8Array.from({ length: 160 * 120 * 3 / 2 }, (_, index) => index);
  sender.put({ format: "I420", width: 160, height: 120, data, timestampMs: 5.5 });
  while (sender.writeFragment(out));
  return out.take();
}

function parse(chunks: Iterable<Uint8Array>): unknown[] {
  const { take, all } = contents();
  const parser = new FrameParser(take, 64);
  for (let chunk of chunks) {
    while (chunk.length > 0) {
      const space = parser.space();
      const count = Math.min(space.length, chunk.length);
      space.set(chunk.subarray(0, count));
      parser.commit(count);
      chunk = chunk.subarray(count);
    }
  }
  return all;
}

Deno.test("frames come out as they went in, wherever the pipe cuts them", () => {
  const bytes = sample();
  const whole = parse([bytes]);
  assertEquals(whole.length, 5);
  assertEquals(whole.slice(0, 4), [
    { type: "edge", message: { "ä": [1, null, "x"] } },
    {
      connectionId: 7,
      number: 2 ** 40,
      stream: 3,
      playedMs: 12.5,
      entries: [[100, [0, 1, 2, 3, 4]], [101, [-1000, -999, -998, -997, -996]]],
    },
    { connectionId: 7, stream: 3, epoch: 2, final: true, samples: [-32768, 0, 32767] },
    { connectionId: 7, stream: 3, epoch: 2, playedMs: 12.5, trimmedMs: 1, bufferedMs: 400 },
  ]);
  // In two at every byte of the first frames, and byte by byte.
  for (let cut = 1; cut < 400; cut++) {
    assertEquals(parse([bytes.subarray(0, cut), bytes.subarray(cut)]).length, 5);
  }
  const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
  assertEquals(JSON.stringify(parse(single)), JSON.stringify(whole));
});

Deno.test("a wrong magic, kind or length is a typed error immediately", () => {
  const cases: [string, (bytes: Uint8Array) => void][] = [
    ["magic", (bytes) => bytes[0] = 0],
    ["kind", (bytes) => bytes[2] = 99],
    ["at most", (bytes) => bytes[7] = 0xff],
  ];
  for (const [message, spoil] of cases) {
    const bytes = sample().slice();
    spoil(bytes);
    assertThrows(() => parse([bytes]), ProtocolError, message);
  }
});

Deno.test("garbage never does more than throw a typed error", () => {
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  const good = sample();
  for (let round = 0; round < 400; round++) {
    const bytes = good.slice();
    for (let spoilt = 0; spoilt < 1 + round % 8; spoilt++) {
      bytes[Math.floor(random() * (round % 2 ? 300 : bytes.length))] = random() * 256;
    }
    try {
      parse([bytes]);
    } catch (error) {
      assert(error instanceof ProtocolError, `${error}`);
    }
  }
});

Deno.test("control messages are checked against their schema", () => {
  const parser = (text: string, read: (frame: Frame) => unknown) => {
    let result: unknown;
    const frames = new FrameParser((frame) => result = read(frame));
    const out = new FrameBuffer(1 << 16);
    const bytes = new TextEncoder().encode(text);
    out.bytes.set(bytes, out.begin(FrameKind.control, bytes.length));
    frames.space().set(out.take());
    frames.commit(out.length);
    return result;
  };
  assertEquals(parser('{"type":"cancel","id":1}', readToChild), { type: "cancel", id: 1 });
  for (
    const [text, read] of [
      ["nonsense", readToChild],
      ["null", readToChild],
      ['{"type":"cancel","id":-1}', readToChild],
      ['{"type":"request","id":1,"method":"nonsense","params":{}}', readToChild],
      ['{"type":"request","id":1,"method":"flush","params":{"connection":1}}', readToChild],
      [
        '{"type":"connection","connection":1,"message":{"type":"ended","reason":"left"}}',
        readToParent,
      ],
      ['{"type":"reply"}', readToParent],
    ] as const
  ) assertThrows(() => parser(text, read), ProtocolError);
});

/** A pipe whose writes wait until they are let through. */
function slowPipe() {
  const writes: Uint8Array[] = [];
  let release = Promise.withResolvers<void>();
  const errors: unknown[] = [];
  const writer = new FrameWriter(async (bytes) => {
    writes.push(bytes.slice());
    await release.promise;
  }, (error) => errors.push(error));
  const next = async () => {
    release.resolve();
    release = Promise.withResolvers();
    for (let turn = 0; turn < 20; turn++) await undefined;
  };
  return { writer, writes, next, errors };
}

/** A source of `count` rows. */
function rows(count: number, kind: number, bytes: number) {
  return {
    left: count,
    get hasFrame(): boolean {
      return this.left > 0;
    },
    writeFrame(out: FrameBuffer): boolean {
      if (out.begin(kind, bytes) < 0) return false;
      this.left--;
      return true;
    },
  };
}

/** The kinds of the frames in a write. */
function kinds(bytes: Uint8Array): number[] {
  const found: number[] = [];
  const parser = new FrameParser((frame) => found.push(frame.kind));
  for (let at = 0; at < bytes.length;) {
    const space = parser.space();
    const count = Math.min(space.length, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    parser.commit(count);
    at += count;
  }
  return found;
}

Deno.test("one write at a time takes control first, then sound, then one fragment of a picture", async () => {
  const { writer, writes, next } = slowPipe();
  writer.control({ first: true });
  await next();
  assertEquals(writes.length, 1);
  writer.addVideo(rows(3, FrameKind.video, 16_000));
  writer.addAudio(rows(2, FrameKind.participantAudio, 1000));
  writer.control({ a: 1 });
  writer.control({ b: 2 });
  writer.wake();
  for (let write = 0; write < 5; write++) await next();
  const { control, participantAudio: row, video } = FrameKind;
  assertEquals(writes.slice(1).map(kinds), [
    [control, control, row, row, video],
    [video],
    [video],
  ]);
});

Deno.test("while a write is under way nothing else is written, and backlogs share the next", async () => {
  const { writer, writes, next } = slowPipe();
  const first = rows(400, FrameKind.participantAudio, 1000),
    second = rows(10, FrameKind.participantAudio, 1000);
  writer.control({});
  await Promise.resolve();
  writer.addAudio(first);
  writer.addAudio(second);
  writer.wake();
  for (let turn = 0; turn < 20; turn++) await undefined;
  assertEquals(writes.length, 1);
  await next();
  // In turn: the short backlog does not wait for the long one.
  assertEquals(second.left, 0);
  assert(first.left > 200, "one write is bounded");
});

Deno.test("a pipe that is not read is given up before its control grows without bound", async () => {
  const { writer, errors } = slowPipe();
  const text = "x".repeat(1 << 19);
  for (let message = 0; message < 40 && errors.length === 0; message++) {
    writer.control({ text });
    await undefined;
  }
  assert(errors[0] instanceof EdgeError && errors[0].code === "wire-overflow");
  assertThrows(
    () => new FrameWriter(async () => {}, () => {}).control({ text: "x".repeat(1 << 20) }),
    RangeError,
  );
});

Deno.test("only the latest picture waits while one is being sent", () => {
  const sender = new PictureSender(1, 1);
  const out = new FrameBuffer(1 << 20);
  const { take, all } = contents();
  const picture = (value: number) => ({
    format: "RGBA" as const,
    width: 80,
    height: 80,
    data: new Uint8Array(80 * 80 * 4).fill(value),
    timestampMs: value,
  });
  sender.put(picture(1));
  sender.writeFragment(out);
  for (const value of [2, 3, 4]) sender.put(picture(value));
  while (sender.writeFragment(out));
  const parser = new FrameParser(take);
  const bytes = out.take();
  for (let at = 0; at < bytes.length;) {
    const space = parser.space();
    const count = Math.min(space.length, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    parser.commit(count);
    at += count;
  }
  assertEquals(all.map((shown) => (shown as { timestampMs: number }).timestampMs), [1, 4]);
  assertEquals((all[1] as { data: number[] }).data.every((value) => value === 4), true);
  assertEquals(sender.skipped, 2);
  assertThrows(() => sender.put({ ...picture(1), width: 81 }), RangeError, "expected 25920 bytes");
});

Deno.test("a picture is sent as it was when it was given, whatever becomes of it meanwhile", () => {
  const sender = new PictureSender(1, 1);
  const out = new FrameBuffer(1 << 20);
  const { take, all } = contents();
  const made = (width: number, value: number) => ({
    format: "RGBA" as "RGBA" | "I420",
    width,
    height: 80,
    data: new Uint8Array(width * 80 * 4).fill(value),
    timestampMs: value,
  });
  const pictures = [made(80, 1), made(40, 2)];
  for (const picture of pictures) {
    sender.put(picture);
    Object.assign(picture, { format: "I420", width: 4000, timestampMs: 5n });
    picture.data.fill(9);
  }
  while (sender.writeFragment(out));
  const parser = new FrameParser(take);
  const bytes = out.take();
  parser.space().set(bytes);
  parser.commit(bytes.length);
  assertEquals(
    all.map((shown) => {
      const { format, width, timestampMs, data } = shown as typeof pictures[0];
      return [format, width, timestampMs, data.length, ...new Set(data)];
    }),
    [["RGBA", 80, 1, 25_600, 1], ["RGBA", 40, 2, 12_800, 2]],
  );
});

Deno.test("what cannot be sent as a picture is refused, and nothing waits then", () => {
  const sender = new PictureSender(1, 1);
  const picture = (width: number, height: number) => ({
    format: "RGBA" as const,
    width,
    height,
    data: new Uint8Array(width * height * 4),
    timestampMs: 1,
  });
  const floats = { ...picture(2, 2), data: new Float32Array(16) as unknown as Uint8Array };
  assertThrows(() => sender.put(floats), TypeError, "data: expected a Uint8Array, got a Float32");
  const long = picture(65_536, 1);
  assertThrows(() => sender.put(long), RangeError, "expected at most 65535 pixels, got 65536 x 1");
  const large = picture(3840, 2161);
  assertThrows(() => sender.put(large), RangeError, "data: expected at most 33177600 bytes");
  assertEquals(sender.hasFragment, false);
});
