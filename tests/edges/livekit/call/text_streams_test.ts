import {
  type DataPacket,
  DataStream_ByteHeader,
  DataStream_Chunk,
  DataStream_Header,
  DataStream_Trailer,
} from "@livekit/protocol";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { textPackets, TextReader } from "../../../../src/edges/livekit/child/call/text_streams.ts";

type Value = DataPacket["value"];

const packetsOf = (text: string, id = "s") =>
  textPackets({ topic: "lk.chat", text, attributes: {}, timestampMs: 0, id });

function readAll(reader: TextReader, packets: readonly Value[], identity = "anna") {
  return packets.map((one) => reader.read(identity, one)).find((one) => one !== undefined);
}

Deno.test("text streams carry any text, in pieces that can each be decoded alone", () => {
  const texts = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), fc.nat(9000))
      .map(([unit, times]) => unit.repeat(times)),
  ).map((text) => text.toWellFormed().slice(0, 20_000).toWellFormed());
  fc.assert(
    fc.property(texts, (text) => {
      const packets = packetsOf(text);
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      for (const { case: kind, value } of packets) {
        if (kind !== "streamChunk") continue;
        assert(value.content.length <= 15_000);
        decoder.decode(value.content);
      }
      const [header] = packets;
      assert(header?.case === "streamHeader");
      assertEquals(Number(header.value.totalLength), new TextEncoder().encode(text).length);
      const expected = { identity: "anna", topic: "lk.chat", text };
      assertEquals(readAll(new TextReader("lk.chat", () => {}), packets), expected);
    }),
    { numRuns: 40 },
  );
});

Deno.test("TextReader orders pieces, and keeps streams of several people apart", () => {
  const reader = new TextReader("lk.chat", () => {});
  const [header, first, second, trailer] = packetsOf(`${"a".repeat(15_000)}b`);
  const [header2, only, trailer2] = packetsOf("other", "t");
  for (const one of [header!, second!]) assertEquals(reader.read("anna", one), undefined);
  for (const one of [header2!, only!]) assertEquals(reader.read("bert", one), undefined);
  // Another's stream cannot be continued or ended.
  assertEquals(reader.read("anna", trailer2!), undefined);
  assertEquals(reader.read("anna", first!), undefined);
  assertEquals(reader.read("bert", trailer2!)?.text, "other");
  assertEquals(reader.read("anna", trailer!)?.text, `${"a".repeat(15_000)}b`);
  assertEquals(reader.read("anna", trailer!), undefined, "once");
});

Deno.test("TextReader drops what is too long, given up, or no text", () => {
  const dropped: string[] = [];
  const reader = new TextReader("lk.chat", (identity) => dropped.push(identity));
  assertEquals(readAll(reader, packetsOf("x".repeat(70_000))), undefined);
  assertEquals(dropped, ["anna"]);
  const [header, chunk] = packetsOf("half", "h");
  const end = new DataStream_Trailer({ streamId: "h", reason: "closed" });
  const given = [header!, chunk!, { case: "streamTrailer", value: end } as const];
  assertEquals(readAll(reader, given), undefined);
  const value = new DataStream_Header({
    streamId: "b",
    contentHeader: { case: "byteHeader", value: new DataStream_ByteHeader() },
  });
  const file: Value[] = [
    { case: "streamHeader", value },
    {
      case: "streamChunk",
      value: new DataStream_Chunk({ streamId: "b", content: new Uint8Array(9) }),
    },
    { case: "streamTrailer", value: new DataStream_Trailer({ streamId: "b" }) },
  ];
  assertEquals(readAll(reader, file), undefined);
});

Deno.test("TextReader keeps a bounded number of streams without an end, of each and of all", () => {
  const begin = (reader: TextReader, identities: readonly string[]) => {
    const streams = identities.map((identity, index) => {
      const [header, chunk, trailer] = packetsOf("text", `${index}`);
      reader.read(identity, header!);
      reader.read(identity, chunk!);
      return { identity, trailer: trailer! };
    });
    return () => streams.map(({ identity, trailer }) => reader.read(identity, trailer)?.text);
  };
  const reader = new TextReader("lk.chat", () => {});
  const bert = begin(reader, ["bert"]);
  const anna = begin(reader, new Array(9).fill("anna"));
  assertEquals(bert(), ["text"], "one participant pushes no other out");
  assertEquals(anna().slice(0, 2), [undefined, "text"]);
  const many = begin(reader, Array.from({ length: 65 }, (_, index) => `guest ${index}`));
  assertEquals(many().slice(0, 2), [undefined, "text"]);
});

Deno.test("TextReader keeps the streams of several people apart where their ids are the same", () => {
  const reader = new TextReader("lk.chat", () => {});
  const [ofAnna, ofBert] = ["anna", "bert"].map((text) => packetsOf(text, "s"));
  for (const index of [0, 1]) {
    reader.read("anna", ofAnna![index]!);
    reader.read("bert", ofBert![index]!);
  }
  assertEquals(reader.read("anna", ofAnna![2]!)?.text, "anna");
  assertEquals(reader.read("bert", ofBert![2]!)?.text, "bert");
});

Deno.test("TextReader drops a text of endless empty pieces", () => {
  const dropped: string[] = [];
  const reader = new TextReader("lk.chat", (identity) => dropped.push(identity));
  const [header, , trailer] = packetsOf("text");
  reader.read("anna", header!);
  for (let index = 0; index < 2000; index++) {
    const value = new DataStream_Chunk({ streamId: "s", chunkIndex: BigInt(index) });
    reader.read("anna", { case: "streamChunk", value });
  }
  assertEquals([dropped, reader.read("anna", trailer!)], [["anna"], undefined]);
});

Deno.test("TextReader keeps nothing of other topics, and no more of a packet than its text", () => {
  const dropped: string[] = [];
  const reader = new TextReader("lk.chat", (identity) => dropped.push(identity));
  const other = textPackets({
    topic: "a log",
    text: "x".repeat(70_000),
    attributes: {},
    timestampMs: 0,
  });
  assertEquals([readAll(reader, other), dropped], [undefined, []]);
  const [header, , trailer] = packetsOf("text");
  reader.read("anna", header!);
  const packet = new Uint8Array(60_000).fill(0x61);
  const value = new DataStream_Chunk({ streamId: "s", content: packet.subarray(0, 1) });
  reader.read("anna", { case: "streamChunk", value });
  // What is not kept may change.
  packet.fill(0x62);
  assertEquals(reader.read("anna", trailer!)?.text, "a");
});
