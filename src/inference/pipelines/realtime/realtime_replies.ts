import type { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { Participant } from "../../../edge/types.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import type { TranscriptMessage, TranscriptWriter } from "../../history/transcript_writer.ts";
import type { SpeechHandle, SpeechOutcome } from "../../speech/speech_handle.ts";
import { attempt } from "../../../events/user_code.ts";
import { RealtimeReply } from "./realtime_reply.ts";

/** The ids of so many replies that have ended are kept. */
const MAX_ENDED = 64;

/** Options for {@linkcode RealtimeReplies}. */
export interface RealtimeRepliesInit {
  output: SpeechOutput;
  transcript: TranscriptWriter;
  /** Returns the participant whom a reply that begins now is for. */
  speaker: () => Participant | undefined;
  /** Called when the listener hears the first sample of a reply. */
  onPlaybackStarted: (speech: SpeechHandle) => void;
  /** Called when a reply was played to its end, or interrupted. */
  onEnded: (replyId: string, outcome: SpeechOutcome, speech: SpeechHandle) => void;
}

/** A reply that is being played, and the message that shows it. */
interface CurrentReply {
  readonly reply: RealtimeReply;
  readonly message: TranscriptMessage;
}

/** The replies of a realtime model: each is played and shown from the first that comes of it. */
export class RealtimeReplies {
  readonly #init: RealtimeRepliesInit;
  readonly #current = new Map<string, CurrentReply>();
  /** Later parts of these are ignored. */
  readonly #ended: string[] = [];
  readonly #expected: PromiseWithResolvers<SpeechOutcome>[] = [];

  constructor(init: RealtimeRepliesInit) {
    this.#init = init;
  }

  /** Resolves when the next reply to begin has ended; rejects when `ask`, which asks for it, fails. */
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
    current?.reply.addText(text);
    current?.message.update({ text: current.reply.text });
  }

  addAudio(id: string, pcm: PcmChunk): void {
    this.#get(id)?.reply.addAudio(pcm);
  }

  /** Ends a reply: no more of it comes. */
  end(id: string): void {
    this.#current.get(id)?.reply.end();
  }

  /** Ends all replies: what there is of them is played, and no other is waited for. */
  endAll(): void {
    this.#ended.length = 0;
    for (const { reply } of this.#current.values()) reply.end();
    this.expectNone();
  }

  /** Resolves the waits for replies that have not begun: none will. */
  expectNone(): void {
    for (const one of this.#expected.splice(0)) one.resolve({ text: "", interrupted: true });
  }

  /** Returns the reply of this id, playing one that is new; `undefined` where it has ended. */
  #get(id: string): CurrentReply | undefined {
    if (this.#ended.includes(id)) return undefined;
    const known = this.#current.get(id);
    if (known) return known;
    const { output, transcript, speaker, onPlaybackStarted, onEnded } = this.#init;
    const reply = new RealtimeReply();
    const message = transcript.openAgentMessage("");
    const expected = this.#expected.shift();
    const current = { reply, message };
    this.#current.set(id, current);
    output.play({
      audio: () => reply.audio(),
      spoken: reply.spoken,
      participant: speaker(),
      message,
      onStopped: () => reply.end(),
      onPlaybackStarted,
      onEnded: (outcome, speech) => {
        this.#current.delete(id);
        this.#ended.push(id);
        if (this.#ended.length > MAX_ENDED) this.#ended.shift();
        try {
          onEnded(id, outcome, speech);
        } finally {
          expected?.resolve(outcome);
        }
      },
    });
    return current;
  }
}
