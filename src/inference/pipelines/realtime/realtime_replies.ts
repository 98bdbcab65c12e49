import type { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { Participant } from "../../../edge/types.ts";
import type { SpeechOutput } from "../../reply/speech_output.ts";
import type { LoggedMessage, TranscriptWriter } from "../../reply/transcript_writer.ts";
import type { SpeechHandle, SpeechOutcome } from "../../reply/speech_handle.ts";
import { attempt } from "../../../events/user_code.ts";
import { RealtimeReply } from "./realtime_reply.ts";

/** So many answers that are over are remembered. */
const MAX_OVER = 64;

/** What {@linkcode RealtimeReplies} work with, and tell. */
export interface RealtimeRepliesInit {
  voice: SpeechOutput;
  log: TranscriptWriter;
  /** Whom an answer that begins now is for. */
  speaker: () => Participant | undefined;
  /** The first sample of an answer was heard. */
  onHeard: (speech: SpeechHandle) => void;
  /** An answer is over: it was heard to its end, or was cut off. */
  onOver: (replyId: string, outcome: SpeechOutcome, speech: SpeechHandle) => void;
}

/** An answer that is being said, and where it is shown. */
interface CurrentAnswer {
  readonly answer: RealtimeReply;
  readonly message: LoggedMessage;
}

/** The answers of a realtime model: each is said and shown from the first that comes of it. */
export class RealtimeReplies {
  readonly #init: RealtimeRepliesInit;
  readonly #current = new Map<string, CurrentAnswer>();
  /** What still comes of these is not wanted. */
  readonly #over: string[] = [];
  readonly #expected: PromiseWithResolvers<SpeechOutcome>[] = [];

  constructor(init: RealtimeRepliesInit) {
    this.#init = init;
  }

  /** Resolves when the next answer to begin is over; rejects when `ask`, which asks for it, fails. */
  next(ask: () => unknown): Promise<SpeechOutcome> {
    const expected = Promise.withResolvers<SpeechOutcome>();
    this.#expected.push(expected);
    attempt(ask, (error) => {
      const index = this.#expected.indexOf(expected);
      if (index >= 0) this.#expected.splice(index, 1);
      expected.reject(error);
    });
    return expected.promise;
  }

  addText(id: string, text: string): void {
    const current = this.#get(id);
    current?.answer.addText(text);
    current?.message.update({ text: current.answer.text });
  }

  addAudio(id: string, pcm: PcmChunk): void {
    this.#get(id)?.answer.addAudio(pcm);
  }

  /** Nothing more comes of this one. */
  end(id: string): void {
    this.#current.get(id)?.answer.end();
  }

  /** Nothing more comes of any: what there is of them is said, and no other is waited for. */
  endAll(): void {
    this.#over.length = 0;
    for (const { answer } of this.#current.values()) answer.end();
    this.expectNone();
  }

  /** No other answer is waited for. */
  expectNone(): void {
    for (const one of this.#expected.splice(0)) one.resolve({ text: "", interrupted: true });
  }

  /** The answer of this id; one that is new begins to be said, one that is over is none. */
  #get(id: string): CurrentAnswer | undefined {
    if (this.#over.includes(id)) return undefined;
    const known = this.#current.get(id);
    if (known) return known;
    const { voice, log, speaker, onHeard, onOver } = this.#init;
    const answer = new RealtimeReply();
    const message = log.agentSays("");
    const expected = this.#expected.shift();
    const current = { answer, message };
    this.#current.set(id, current);
    voice.say({
      utterances: () => answer.utterances(),
      participant: speaker(),
      message,
      onCut: () => answer.end(),
      onHeard,
      onOver: (outcome, speech) => {
        this.#current.delete(id);
        this.#over.push(id);
        if (this.#over.length > MAX_OVER) this.#over.shift();
        try {
          onOver(id, outcome, speech);
        } finally {
          expected?.resolve(outcome);
        }
      },
    });
    return current;
  }
}
