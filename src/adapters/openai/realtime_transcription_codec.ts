/** The messages of a transcription session at `/realtime`. @module */
import { typescriptKernel } from "../../audio/typescript_kernel.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { base64Of } from "../streaming/bytes.ts";
import type { SttCodec, SttIo } from "../streaming/stt_session.ts";
import { readServerEvent, type ServerEvent, type ServiceFailure } from "./realtime_events.ts";
import { REALTIME_FORMAT, serviceError } from "./realtime_protocol.ts";

/** How long the service may take for the text of what it was told to transcribe. */
const COMMIT_LIMIT_MS = 5000;
/** A commit of less audio than this is refused. */
const MIN_COMMIT_MS = 100;
/** The code of a commit for which there was too little audio. */
const EMPTY = "input_audio_buffer_commit_empty";
/** The code with which the service ends a session that has lasted its longest. */
const EXPIRED = "session_expired";

/** Audio whose text is due. */
interface Segment {
  /** The service's id of it, once it is known. */
  itemId?: string;
  /** The message that committed it, where this side did. */
  readonly eventId?: string;
  /** What ended it: the contract's `commit()`, the end of the session, or the service. */
  readonly endedBy: "commit" | "end" | "service";
  text: string;
  /** The language that the service has detected. */
  language?: string;
  isDone: boolean;
  limit?: Disposable;
}

/** Options for a {@linkcode TranscriptionCodec}. */
export interface TranscriptionCodecInit {
  readonly sampleRate: number;
  /** The settings of the session. */
  readonly session: object;
  /** Whether the service finds where turns end. */
  readonly detectsTurns: boolean;
}

/** The messages of one connection. */
export class TranscriptionCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #detectsTurns: boolean;
  readonly #resampler: Resampler;
  /** In the order of their audio; their texts may come in another. */
  readonly #segments: Segment[] = [];
  /** Text that has come, by the id of its audio. */
  readonly #texts = new Map<string, string>();
  /** Milliseconds of audio that are in no segment yet. */
  #openMs = 0;
  /** Whether the service has heard the start of a turn that is in no segment yet. */
  #isSpeaking = false;
  /** Whether the service has heard the end of one: it commits what there is of it. */
  #isCommitting = false;
  /** Whether the service has said that it ends the session. */
  #isExpired = false;
  #count = 0;

  constructor(name: string, io: SttIo, options: TranscriptionCodecInit) {
    const { sampleRate, session, detectsTurns } = options;
    this.#name = name;
    this.#io = io;
    this.#detectsTurns = detectsTurns;
    const rates = { inputRate: sampleRate, outputRate: REALTIME_FORMAT.rate };
    this.#resampler = new Resampler(typescriptKernel(), rates);
    this.#send({ type: "session.update", session });
  }

  get isOwed(): boolean {
    // What is said when a connection is lost may have no start yet.
    return this.#owesText || !this.#isExpired && this.#openMs > 0;
  }

  get #owesText(): boolean {
    return this.#segments.length > 0 || this.#hasOpen;
  }

  /** Whether there is something to transcribe that is in no segment yet. */
  get #hasOpen(): boolean {
    return this.#detectsTurns ? this.#isSpeaking : this.#openMs > 0;
  }

  sendAudio(pcm: PcmChunk): void {
    this.#openMs += pcm.durationMs;
    this.#append(this.#resampler.convert(pcm).samples);
  }

  commit(): void {
    this.#end("commit");
  }

  end(): void {
    if (this.#hasOpen) this.#end("end");
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    const event = readServerEvent(data);
    if (event) this.#take(event);
  }

  [Symbol.dispose](): void {
    for (const { limit } of this.#segments) limit?.[Symbol.dispose]();
    this.#resampler[Symbol.dispose]();
  }

  /** Ends what is said at the moment. */
  #end(endedBy: "commit" | "end"): void {
    const eventId = `commit-${++this.#count}`;
    const segment: Segment = { eventId, endedBy, text: "", isDone: !this.#hasOpen };
    this.#segments.push(segment);
    if (segment.isDone) {
      // The service would find words in silence.
      if (this.#openMs > 0) this.#send({ type: "input_audio_buffer.clear" });
    } else {
      const lackingMs = MIN_COMMIT_MS - this.#openMs;
      if (lackingMs > 0) this.#append(new Int16Array(lackingMs * REALTIME_FORMAT.rate / 1000));
      segment.limit = this.#io.clock.schedule(() => this.#done(segment, ""), COMMIT_LIMIT_MS);
      this.#send({ type: "input_audio_buffer.commit", event_id: eventId });
    }
    this.#openMs = 0;
    this.#isSpeaking = false;
    this.#drain();
  }

  #take(event: ServerEvent): void {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.#isSpeaking = true;
        return this.#io.emit({ type: "speech-started" });
      case "input_audio_buffer.speech_stopped":
        this.#isCommitting = true;
        return;
      case "input_audio_buffer.committed":
        return this.#committed(event.item_id);
      case "conversation.item.input_audio_transcription.delta":
        return this.#heard(event.item_id, event.delta);
      case "conversation.item.input_audio_transcription.completed":
        return this.#transcribed(event.item_id, event.transcript, event.languages[0]?.code);
      case "conversation.item.input_audio_transcription.failed":
        this.#io.emit({ type: "error", error: serviceError(this.#name, event.error) });
        return this.#transcribed(event.item_id, "");
      case "error":
        return this.#failed(event.error);
    }
  }

  #committed(itemId: string): void {
    const ours = this.#segments.findIndex(({ itemId, isDone }) => !itemId && !isDone);
    if (ours >= 0 && !this.#isCommitting) {
      this.#segments[ours]!.itemId = itemId;
      return;
    }
    // The service was first: for a commit of this side nothing is left.
    const segment: Segment = { itemId, endedBy: "service", text: "", isDone: false };
    segment.limit = this.#io.clock.schedule(() => this.#done(segment, ""), COMMIT_LIMIT_MS);
    this.#segments.splice(ours >= 0 ? ours : this.#segments.length, 0, segment);
    this.#isCommitting = false;
    this.#isSpeaking = false;
    this.#openMs = 0;
  }

  #heard(itemId: string, delta: string): void {
    const text = (this.#texts.get(itemId) ?? "") + delta;
    this.#texts.set(itemId, text);
    const first = this.#segments[0]?.itemId;
    // That of a later segment is shown when the one before it is complete.
    if (text !== "" && (first === undefined || first === itemId)) {
      this.#io.emit({ type: "transcript", text, final: false });
    }
  }

  #transcribed(itemId: string, text: string, language?: string): void {
    this.#texts.delete(itemId);
    const segment = this.#segments.find((one) => one.itemId === itemId) ??
      this.#segments.find((one) => one.itemId === undefined && !one.isDone);
    if (segment) {
      if (language) segment.language = language;
      this.#done(segment, text);
    } else this.#emitFinal(text, language); // It was no longer waited for.
  }

  #failed(failure: ServiceFailure): void {
    const { code, event_id } = failure;
    const segment = this.#segments.find(({ eventId }) => eventId && eventId === event_id);
    if (segment && code === EMPTY) return this.#done(segment, "");
    // The next audio opens another connection.
    if (code === EXPIRED && !this.#owesText) {
      this.#isExpired = true;
      return;
    }
    this.#io.fail(serviceError(this.#name, failure));
  }

  #done(segment: Segment, text: string): void {
    segment.limit?.[Symbol.dispose]();
    segment.isDone = true;
    segment.text = text;
    this.#drain();
  }

  /** Emits what is complete, in order. */
  #drain(): void {
    while (this.#segments[0]?.isDone) {
      const { text, language, endedBy } = this.#segments.shift()!;
      this.#emitFinal(text, language);
      if (endedBy === "service" || this.#detectsTurns && text !== "") {
        this.#io.emit({ type: "turn-ended" });
      }
      if (endedBy === "commit") this.#io.emit({ type: "committed" });
    }
  }

  #emitFinal(text: string, language: string | undefined): void {
    if (text === "") return;
    this.#io.emit({ type: "transcript", text, final: true, ...language ? { language } : {} });
  }

  #append(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#send({ type: "input_audio_buffer.append", audio: base64Of(samples) });
  }

  #send(message: object): void {
    this.#io.send(JSON.stringify(message));
  }
}
