/** Text in LiveKit's text streams: a header, pieces, a trailer. @module */
import {
  type DataPacket,
  DataStream_Chunk,
  DataStream_Header,
  DataStream_TextHeader,
  DataStream_Trailer,
} from "@livekit/protocol";

/** The most of a text in one piece: LiveKit's own clients send as much. */
const CHUNK_BYTES = 15_000;
/** The most streams that may be open, of all and of each participant. */
const MAX_OPEN = 64;
const MAX_OPEN_EACH = 8;
/** The most of a text that is kept, in bytes and in pieces. */
const MAX_TEXT_BYTES = 64_000;
const MAX_CHUNKS = 1024;

/** A packet's content. */
type Value = DataPacket["value"];

/** Returns the packets that carry a text. */
export function textPackets(
  { topic, text, attributes, timestampMs, id = crypto.randomUUID() }: {
    topic: string;
    text: string;
    attributes: Record<string, string>;
    timestampMs: number;
    /** The id of the stream. Default: a new one. */
    id?: string;
  },
): Value[] {
  const bytes = new TextEncoder().encode(text);
  const header = new DataStream_Header({
    streamId: id,
    timestamp: BigInt(Math.round(timestampMs)),
    topic,
    mimeType: "text/plain",
    totalLength: BigInt(bytes.length),
    attributes,
    contentHeader: { case: "textHeader", value: new DataStream_TextHeader() },
  });
  const packets: Value[] = [{ case: "streamHeader", value: header }];
  for (const [index, content] of pieces(bytes).entries()) {
    const value = new DataStream_Chunk({ streamId: id, chunkIndex: BigInt(index), content });
    packets.push({ case: "streamChunk", value });
  }
  packets.push({ case: "streamTrailer", value: new DataStream_Trailer({ streamId: id }) });
  return packets;
}

/** Divides a text between characters: receivers decode each piece alone. */
function pieces(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(bytes.length, from + CHUNK_BYTES);
    while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to--;
    found.push(bytes.subarray(from, to));
    from = to;
  }
  return found;
}

/** A text that has arrived. */
export interface ReceivedText {
  /** The identity of its author. */
  readonly identity: string;
  readonly topic: string;
  readonly text: string;
}

interface OpenStream {
  readonly identity: string;
  readonly chunks: Map<bigint, Uint8Array>;
  bytes: number;
}

/** Joins the pieces of others' texts of one topic. Those that are too long are left out. */
export class TextReader {
  readonly #topic: string;
  readonly #onTooLong: (identity: string) => void;
  /** By {@linkcode keyOf}: the ids of streams are chosen by their authors. */
  readonly #open = new Map<string, OpenStream>();

  /** @param onTooLong called once for each text that is dropped */
  constructor(topic: string, onTooLong: (identity: string) => void) {
    this.#topic = topic;
    this.#onTooLong = onTooLong;
  }

  /** Takes a packet; returns the text that it ends. */
  read(identity: string, { case: kind, value }: Value): ReceivedText | undefined {
    if (kind === "streamHeader") {
      const isText = value.contentHeader.case === "textHeader";
      if (isText && value.topic === this.#topic) this.#begin(identity, value.streamId);
      return undefined;
    }
    if (kind !== "streamChunk" && kind !== "streamTrailer") return undefined;
    const key = keyOf(identity, value.streamId);
    const stream = this.#open.get(key);
    if (!stream) return undefined;
    if (kind === "streamChunk") {
      stream.bytes += value.content.length;
      // A copy: what was decoded is a view of its whole packet, which may be larger.
      stream.chunks.set(value.chunkIndex, value.content.slice());
      if (stream.bytes > MAX_TEXT_BYTES || stream.chunks.size > MAX_CHUNKS) {
        this.#open.delete(key);
        this.#onTooLong(identity);
      }
      return undefined;
    }
    this.#open.delete(key);
    // A reason says that its author gave it up.
    if (value.reason !== "") return undefined;
    const chunks = [...stream.chunks].sort(([a], [b]) => a < b ? -1 : 1);
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const text = chunks.map(([, bytes]) => decoder.decode(bytes, { stream: true })).join("") +
      decoder.decode();
    return { identity, topic: this.#topic, text };
  }

  /** Opens a stream in the place of the oldest one, where there are too many. */
  #begin(identity: string, streamId: string): void {
    this.#open.set(keyOf(identity, streamId), { identity, chunks: new Map(), bytes: 0 });
    const own = [...this.#open].filter(([, one]) => one.identity === identity);
    if (own.length > MAX_OPEN_EACH) this.#open.delete(own[0]![0]);
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
  }
}

function keyOf(identity: string, streamId: string): string {
  return JSON.stringify([identity, streamId]);
}
