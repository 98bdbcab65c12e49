/** Speech to text by a transcription session at `/realtime`, as one speaks. @module */
import type { STT, SttSession, SttSessionOptions } from "../../inference/contracts/stt.ts";
import {
  StreamingComponent,
  StreamingService,
  type StreamingServiceOptions,
  type VendorAddress,
} from "../streaming/service.ts";
import { StreamingSttSession } from "../streaming/stt_session.ts";
import { OPENAI_URL, spokenLanguage } from "./models.ts";
import { REALTIME_FORMAT } from "./realtime_protocol.ts";
import { TranscriptionCodec } from "./realtime_transcription_codec.ts";
import type { TranscriptionModelOptions } from "./transcription.ts";

/** Speech to text that hears while one speaks. */
export class OpenAIRealtimeTranscription extends StreamingComponent implements STT {
  readonly detectsTurns: boolean;
  readonly #options: TranscriptionModelOptions;

  constructor(service: StreamingServiceOptions, options: TranscriptionModelOptions) {
    super(new StreamingService("openai-stt", service));
    this.#options = options;
    this.detectsTurns = options.turnDetection !== undefined;
  }

  open({ sampleRate, continuous, clock }: SttSessionOptions): SttSession {
    const { name, service } = this;
    const detectsTurns = this.detectsTurns && continuous;
    const session = this.#session(detectsTurns);
    return new StreamingSttSession({
      name,
      clock,
      connect: (events) => service.connect(this.checked(), { ...events, clock }),
      codec: (io) => new TranscriptionCodec(name, io, { sampleRate, session, detectsTurns }),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    return {
      baseUrl: OPENAI_URL,
      path: "/realtime",
      query: { intent: "transcription" },
      keyHeader: (key) => ({ authorization: `Bearer ${key}` }),
    };
  }

  /** The settings of a session. */
  #session(detectsTurns: boolean) {
    const { model, language, prompt, turnDetection, providerOptions } = this.#options;
    const spoken = spokenLanguage(model, language);
    return {
      type: "transcription" as const,
      audio: {
        input: {
          format: REALTIME_FORMAT,
          transcription: { model, ...spoken, ...prompt ? { prompt } : {}, ...providerOptions },
          // Without all audio the service cannot tell where turns end: it is told.
          turn_detection: detectsTurns ? turnDetection : null,
        },
      },
    };
  }
}
