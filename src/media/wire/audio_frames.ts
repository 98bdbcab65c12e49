/** The bodies of audio frames and of playout reports. @module */
import { ProtocolError } from "../../edge/errors.ts";
import { FrameKind } from "./frame.ts";
import type { FrameBuffer } from "./frame_buffer.ts";
import type { Frame } from "./frame_parser.ts";

// A row: connection u32, entries u32, number f64, samples in a slot u32, the agent's audio stream u32,
// how much of it was played f64, then for each entry its source u32 and reserved u32, then the slots.
const ROW_HEADER = 32;
const ROW_ENTRY = 8;

/** The header of a row. */
export interface RowInit {
  connectionId: number;
  number: number;
  count: number;
  slotSamples: number;
  /** The agent's audio stream, and how much of it had been played; `NaN` when unknown. */
  stream: number;
  playedMs: number;
}

/** Room for a row's entries in a {@linkcode FrameBuffer}. */
export interface RowRoom {
  setSource(entry: number, source: number): void;
  readonly samples: Int16Array;
  readonly offset: number;
}

/** Begins a row; returns `undefined` when there is no room. */
export function beginRow(
  out: FrameBuffer,
  row: RowInit,
): RowRoom | undefined {
  const { connectionId, number, count, slotSamples, stream, playedMs } = row;
  const length = ROW_HEADER + count * (ROW_ENTRY + slotSamples * 2);
  const at = out.begin(FrameKind.participantAudio, length);
  if (at < 0) return undefined;
  const { view } = out;
  view.setUint32(at, connectionId, true);
  view.setUint32(at + 4, count, true);
  view.setFloat64(at + 8, number, true);
  view.setUint32(at + 16, slotSamples, true);
  view.setUint32(at + 20, stream, true);
  view.setFloat64(at + 24, playedMs, true);
  return {
    setSource(entry, source) {
      view.setUint32(at + ROW_HEADER + entry * ROW_ENTRY, source, true);
      view.setUint32(at + ROW_HEADER + entry * ROW_ENTRY + 4, 0, true);
    },
    samples: out.samples,
    offset: (at + ROW_HEADER + count * ROW_ENTRY) / 2,
  };
}

/** A row in place in a frame. Reused: valid until the next row is read. */
export class RowReader {
  connectionId = 0;
  number = 0;
  count = 0;
  slotSamples = 0;
  stream = 0;
  playedMs = NaN;
  #frame!: Frame;

  /** @throws {ProtocolError} the frame's length does not match its header */
  read(frame: Frame): void {
    const { view, start, length } = frame;
    if (length < ROW_HEADER) throw malformed("row", length);
    this.#frame = frame;
    this.connectionId = view.getUint32(start, true);
    this.count = view.getUint32(start + 4, true);
    this.number = view.getFloat64(start + 8, true);
    this.slotSamples = view.getUint32(start + 16, true);
    this.stream = view.getUint32(start + 20, true);
    this.playedMs = view.getFloat64(start + 24, true);
    if (length !== ROW_HEADER + this.count * (ROW_ENTRY + this.slotSamples * 2)) {
      throw malformed("row", length);
    }
  }

  source(entry: number): number {
    return this.#frame.view.getUint32(this.#frame.start + ROW_HEADER + entry * ROW_ENTRY, true);
  }

  /** Copies an entry's samples to `out`, which must have room for a slot. */
  copySamples(entry: number, out: Int16Array): void {
    const { samples, start } = this.#frame;
    const from = (start + ROW_HEADER + this.count * ROW_ENTRY) / 2 + entry * this.slotSamples;
    for (let index = 0; index < this.slotSamples; index++) out[index] = samples[from + index]!;
  }
}

// Agent audio: connection u32, stream u32, epoch u32, final u32, then samples.
const AGENT_AUDIO_HEADER = 16;

/** Writes a chunk of the agent's audio; returns false when there is no room. */
export function writeAgentAudio(
  out: FrameBuffer,
  audio: AgentAudioFrame,
): boolean {
  const at = out.begin(FrameKind.agentAudio, AGENT_AUDIO_HEADER + audio.samples.length * 2);
  if (at < 0) return false;
  out.view.setUint32(at, audio.connectionId, true);
  out.view.setUint32(at + 4, audio.stream, true);
  out.view.setUint32(at + 8, audio.epoch, true);
  out.view.setUint32(at + 12, audio.final ? 1 : 0, true);
  out.samples.set(audio.samples, (at + AGENT_AUDIO_HEADER) / 2);
  return true;
}

/** A chunk of the agent's audio; `samples` is a view. */
export interface AgentAudioFrame {
  connectionId: number;
  stream: number;
  epoch: number;
  final: boolean;
  samples: Int16Array;
}

/** @throws {ProtocolError} the frame has a wrong length */
export function readAgentAudio({ view, samples, start, length }: Frame): AgentAudioFrame {
  if (length < AGENT_AUDIO_HEADER || length % 2 !== 0) throw malformed("agent audio", length);
  return {
    connectionId: view.getUint32(start, true),
    stream: view.getUint32(start + 4, true),
    epoch: view.getUint32(start + 8, true),
    final: view.getUint32(start + 12, true) !== 0,
    samples: samples.subarray((start + AGENT_AUDIO_HEADER) / 2, (start + length) / 2),
  };
}

// A playout report: connection u32, stream u32, epoch u32, reserved u32, then three f64.
const REPORT_BYTES = 40;

/** How much of an agent's audio was played. */
export interface PlayoutReportFrame {
  connectionId: number;
  stream: number;
  epoch: number;
  playedMs: number;
  trimmedMs: number;
  bufferedMs: number;
}

/** Writes a playout report; returns false when there is no room. */
export function writePlayoutReport(out: FrameBuffer, report: PlayoutReportFrame): boolean {
  const at = out.begin(FrameKind.playoutReport, REPORT_BYTES);
  if (at < 0) return false;
  const { view } = out;
  view.setUint32(at, report.connectionId, true);
  view.setUint32(at + 4, report.stream, true);
  view.setUint32(at + 8, report.epoch, true);
  view.setUint32(at + 12, 0, true);
  view.setFloat64(at + 16, report.playedMs, true);
  view.setFloat64(at + 24, report.trimmedMs, true);
  view.setFloat64(at + 32, report.bufferedMs, true);
  return true;
}

/** @throws {ProtocolError} the frame has a wrong length */
export function readPlayoutReport({ view, start, length }: Frame): PlayoutReportFrame {
  if (length !== REPORT_BYTES) throw malformed("playout report", length);
  return {
    connectionId: view.getUint32(start, true),
    stream: view.getUint32(start + 4, true),
    epoch: view.getUint32(start + 8, true),
    playedMs: view.getFloat64(start + 16, true),
    trimmedMs: view.getFloat64(start + 24, true),
    bufferedMs: view.getFloat64(start + 32, true),
  };
}

function malformed(what: string, length: number): ProtocolError {
  return new ProtocolError(`the wire carried malformed ${what} of ${length} bytes`, {
    code: "wire-garbage",
  });
}
