// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL examples/interpreter.ts --first English --second German
/**
 * An interpreter between two people: the first who joins speaks one language, the second the other.
 * Each hears what the other says in their own language, over the original, which is lowered.
 * `interpreter_test.ts` tests it in simulated calls, without a key.
 */
import {
  Agent,
  type AgentOptions,
  type OutboundAudioTrack,
  type Participant,
  TurnEndedEvent,
} from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
import { commandLine, run, serviceFromEnv } from "./lib/program.ts";

/** How loud the original stays under its translation: 16 dB below. */
const ORIGINAL_GAIN = 0.15;

/** One of the two people. */
interface Seat {
  readonly language: string;
  participantId: string | undefined;
  /** The interpreter's voice in their language, which only they hear. */
  track: OutboundAudioTrack | undefined;
}

/** An interpreter, for one call on any edge that plays audio to one participant. */
export class Interpreter {
  readonly #seats: readonly Seat[];
  #agent: Agent | undefined;

  /** The languages of the first and of the second person, by their names. */
  constructor(languages: readonly [string, string]) {
    this.#seats = languages.map((language) => ({
      language,
      participantId: undefined,
      track: undefined,
    }));
  }

  /** The options of its agent, beside edge and models. */
  get agentOptions(): Pick<AgentOptions, "instructions" | "processors" | "turnHandling"> {
    return {
      instructions:
        "You are an interpreter. Translate what you are told to translate, as the person " +
        "would say it themselves, and add nothing. What you write is spoken.",
      processors: [{
        name: "seats",
        participantJoined: (participant) => this.#seat(participant),
        participantLeft: ({ id }) => this.#leave(id),
      }],
      turnHandling: {
        // It replies to no one: it tells the other what was said.
        shouldReply: () => false,
        onUserTurnCompleted: () => ({ drop: true }),
      },
    };
  }

  /** Interprets in the agent's call. */
  serve(agent: Agent): void {
    this.#agent = agent;
    for (const participant of agent.connection!.participants.values()) this.#seat(participant);
    agent.events.subscribe(TurnEndedEvent, ({ participant, text }) => {
      this.#interpret(participant, text);
    });
  }

  /** Takes a person into the call; a third one only listens. */
  #seat(participant: Participant): void {
    const { id, kind } = participant;
    const isSeated = this.#seats.some(({ participantId }) => participantId === id);
    const seat = this.#seats.find(({ participantId }) => participantId === undefined);
    if (kind !== "person" || isSeated || !seat || !this.#agent) return;
    seat.participantId = id;
    seat.track = this.#agent.createAudioTrack({ to: participant, othersGain: ORIGINAL_GAIN });
  }

  #leave(id: string): void {
    const seat = this.#seats.find(({ participantId }) => participantId === id);
    if (seat) seat.participantId = seat.track = undefined;
  }

  #interpret({ id }: Participant, text: string): void {
    const isSpeaker = ({ participantId }: Seat) => participantId === id;
    const listener = this.#seats.find((seat) => !isSpeaker(seat) && seat.track);
    if (!/\S/.test(text) || !listener || !this.#seats.some(isSpeaker)) return;
    const { language, track } = listener;
    // A failure is an event of the edge.
    this.#agent?.generateReply(`Translate into ${language}: ${text}`, { track })
      .catch(() => {});
  }
}

if (import.meta.main) {
  const options = commandLine({
    first: "English",
    second: "German",
    model: OPENAI_MODELS.chat,
    stt: OPENAI_MODELS.transcription,
    tts: OPENAI_MODELS.speech,
    voice: "cedar",
  });
  const service = openAICompatible(serviceFromEnv());
  await run(async (signal) => {
    await using edge = new LocalEdge();
    const interpreter = new Interpreter([options.first, options.second]);
    const agent = new Agent({
      edge,
      agentUser: { id: "interpreter", name: "Interpreter" },
      ...interpreter.agentOptions,
      llm: service.llm({ model: options.model }),
      stt: service.stt({ model: options.stt }),
      tts: service.tts({ model: options.tts, voice: options.voice }),
    });
    const call = await agent.createCall("default", "interpreted");
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
    interpreter.serve(agent);
    await edge.openDemo(call, { signal });
    await agent.finish({ signal });
  });
}
