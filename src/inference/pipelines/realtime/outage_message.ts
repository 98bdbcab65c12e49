/** What people hear while a realtime model cannot be reached. @module */
import type { Clock } from "../../../events/clock.ts";
import { assertPcmChunk, type PcmChunk } from "../../../audio/pcm_chunk.ts";
import { checkObject, shown } from "../../../events/checks.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import type { TranscriptWriter } from "../../history/transcript_writer.ts";
import { RealtimeReply } from "./realtime_reply.ts";

/** A shorter outage is no more than a slow reply. */
const AFTER_MS = 2000;

/** Something to say that is there as audio, since the voice may not be. */
export interface PreparedSpeech {
  /** Its words, for the conversation. */
  readonly text: string;
  /** Its audio, at any rate. */
  readonly pcm: PcmChunk;
}

/** Throws a TypeError unless it can be said. */
export function checkPreparedSpeech(name: string, speech: PreparedSpeech): void {
  checkObject(speech, name, "an object like { text, pcm }");
  if (typeof speech.text !== "string") {
    throw new TypeError(`${name}.text: expected a text, got ${shown(speech.text)}`);
  }
  assertPcmChunk(speech.pcm, `${name}.pcm`);
}

/** What {@linkcode OutageMessage} needs. */
export interface OutageMessageInit {
  clock: Clock;
  output: SpeechOutput;
  transcript: TranscriptWriter;
  /** Default: nothing is said. */
  speech: PreparedSpeech | undefined;
}

/** Says a sentence in the agent's stead, once in each outage. */
export class OutageMessage implements Disposable {
  readonly #init: OutageMessageInit;
  #timer: Disposable | undefined;

  constructor(init: OutageMessageInit) {
    this.#init = init;
  }

  /** The model cannot be reached. */
  lost(): void {
    this.#timer ??= this.#init.clock.schedule(() => this.#say(), AFTER_MS);
  }

  /** It can be again. */
  connected(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.connected();
  }

  #say(): void {
    const { output, transcript, speech } = this.#init;
    if (!speech) return;
    const { text, pcm } = speech;
    const reply = new RealtimeReply();
    reply.addText(text);
    reply.addAudio(pcm);
    reply.end();
    output.play({
      audio: () => reply.audio(),
      spoken: reply.spoken,
      message: transcript.openAgentMessage(text),
    });
  }
}
