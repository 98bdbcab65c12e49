/** Deepgram's recogniser whose segments end where they are told to, at `/v1/listen`. @module */
import { SegmentCodec, type SegmentMessages } from "../streaming/segment_codec.ts";
import type { SttIo } from "../streaming/stt_session.ts";
import { readNova } from "./messages.ts";
import { statedError, transcribedWords } from "./words.ts";

const MESSAGES: SegmentMessages = {
  finalize: JSON.stringify({ type: "Finalize" }),
  close: JSON.stringify({ type: "CloseStream" }),
  // The service ends most segments within a fraction of this, and does not promise to say so.
  commitLimitMs: 1500,
};

/** Keeps a socket open on which nothing is said: it closes after ten seconds. */
export const NOVA_KEEPALIVE = {
  intervalMs: 4000,
  message: JSON.stringify({ type: "KeepAlive" }),
};

/** The messages of one connection to `/v1/listen`. */
export class NovaCodec extends SegmentCodec {
  constructor(name: string, io: SttIo) {
    super(name, io, MESSAGES);
  }

  protected read(data: string): void {
    const message = readNova(data);
    if (message?.type === "Error") return this.io.fail(statedError(this.name, message));
    if (message?.type === "SpeechStarted") return this.io.emit({ type: "speech-started" });
    if (!message) return;
    const { is_final, from_finalize, channel: { alternatives: [best] } } = message;
    if (best && best.transcript !== "") {
      const { transcript, confidence, languages: [language], words } = best;
      this.io.emit({
        type: "transcript",
        text: transcript,
        final: is_final || from_finalize,
        ...language ? { language } : {},
        ...typeof confidence === "number" ? { confidence } : {},
        words: transcribedWords(words),
      });
    }
    if (from_finalize) this.settle();
  }
}
