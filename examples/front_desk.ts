// deno run --allow-run --allow-read --allow-write=front_desk.txt --allow-env --allow-ffi --allow-sys examples/front_desk.ts
/**
 * The front desk of a small hotel: it greets who comes, tells a room's price, books rooms, hands over
 * to the restaurant, connects to a person, hangs up after the goodbye, asks who is silent whether they
 * are still there, and saves what was said to `front_desk.txt`. No key and no network, as `local_assistant.ts`: with a model and
 * voices of a service it is the same desk. `front_desk_test.ts` tests it, without any of them.
 */
import {
  Agent,
  type AgentOptions,
  AgentSpeechEndedEvent,
  defineTool,
  fixedEndpointing,
  type HandoffOptions,
  handoffTool,
  type Message,
  sttFromTranscriber,
  type Tool,
  ttsFromSentences,
  UserStateChangedEvent,
} from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { EspeakVoice } from "./lib/espeak_voice.ts";
import { PocketSphinx } from "./lib/pocket_sphinx.ts";
import { commandLine, run, usable } from "./lib/program.ts";
import { type Rule, RulesLLM } from "./lib/rules_llm.ts";

const TRANSCRIPT = "front_desk.txt";
const EUROS_A_NIGHT = 80;
const NUMBERS = ["one", "two", "three", "four", "five", "six", "seven"];

const GRAMMAR = `#JSGF V1.0;
grammar desk;
public <said> = <greeting> | <price> | <booking> | <restaurant> | <person> | <end> | <sign>;
<greeting> = hello | good morning | good evening;
<price> = how much is a room [for <nights>];
<booking> = [please] book a room for <nights>;
<nights> = (one night) | (${NUMBERS.slice(1).join(" | ")}) nights;
<restaurant> = [please] put me through to the restaurant | [please] a table for <people>;
<people> = ${NUMBERS.join(" | ")};
<person> = [please] let me talk to a person;
<end> = [thank you] good bye | that is all thank you;
<sign> = yes | no | wait | okay;
`;

/** What the desk and the restaurant both understand. */
const SHARED_RULES: Rule[] = [
  { when: /talk to a person/, then: () => call("connect_to_person", {}) },
  { when: /good bye|that is all/, then: () => call("end_call", {}) },
];

const DESK_RULES: Rule[] = [
  ...SHARED_RULES,
  { when: /restaurant|table/, then: () => call("hand_over_to_restaurant", {}) },
  { when: /book a room/, then: ({ input }) => call("book_room", { nights: nightsIn(input) }) },
  { when: /how much/, then: ({ input }) => call("room_price", { nights: nightsIn(input) }) },
  { when: /hello|good (morning|evening)/, then: () => "Hello! Would you like a room?" },
  { when: /yes|okay/, then: () => "For how many nights?" },
  { when: /\bno\b/, then: () => "As you like." },
  { when: /wait/, then: () => "Yes?" },
];

const RESTAURANT_RULES: Rule[] = [
  ...SHARED_RULES,
  {
    when: new RegExp(`table for (${NUMBERS.join("|")})`),
    then: ([, people = ""]) => call("book_table", { people: 1 + NUMBERS.indexOf(people) }),
  },
  { when: /restaurant|hello|yes|wait/, then: () => "A table for how many?" },
];

/** The rule's reply is what the tool returns. */
function call(tool: string, input: Record<string, number>): ReturnType<Rule["then"]> {
  return { tool, input, say: (result) => result };
}

function nightsIn(text: string): number {
  return 1 + Math.max(0, NUMBERS.findIndex((word) => text.includes(`${word} night`)));
}

/** Options for a {@linkcode FrontDesk}. */
export interface FrontDeskOptions {
  /** The number of the person to connect to. */
  person: string;
  /** Keeps what was said, when the call is over. */
  save: (transcript: string) => void | Promise<void>;
  /** How long a guest may be silent before the desk asks, and again before it hangs up. */
  awayAfterMs?: number;
}

/** A front desk, for one call on any edge. */
export class FrontDesk {
  /** The nights of each booking, by the call of the tool: an order is booked once. */
  readonly bookings: Map<string, number> = new Map();
  /** The people of each table, likewise. */
  readonly tables: Map<string, number> = new Map();
  readonly #options: Required<FrontDeskOptions>;
  #agent!: Agent;
  /** What the desk does once its current answer was heard. */
  #afterAnswer: (() => Promise<void>) | undefined;

  constructor(options: FrontDeskOptions) {
    this.#options = { awayAfterMs: 15_000, ...options };
  }

  /** The options of its agent, beside edge, hearing and voice; another `llm` can replace the rules. */
  get agentOptions(): Pick<
    AgentOptions,
    "instructions" | "llm" | "tools" | "onEnter" | "awayAfterMs"
  > {
    const nights = { type: "integer", minimum: 1, maximum: 7 } as const;
    const parameters = { type: "object", properties: { nights }, required: ["nights"] } as const;
    return {
      instructions: "You are the front desk of the Harbour Hotel. Answer in one short sentence.",
      llm: new RulesLLM(DESK_RULES, "Sorry, I did not understand that."),
      onEnter: (agent) => void agent.say("Harbour Hotel, good day. What can I do for you?"),
      awayAfterMs: this.#options.awayAfterMs,
      tools: [
        defineTool({
          name: "room_price",
          description: "The price of a room for some nights",
          parameters,
          execute: ({ nights }) => `A room for ${inWords(nights)} is ${euros(nights)}.`,
        }),
        defineTool({
          name: "book_room",
          description: "Books a room for some nights",
          parameters,
          execute: ({ nights }, { callId }) => {
            this.bookings.set(callId, nights);
            return `I have booked a room for ${inWords(nights)}. It is ${euros(nights)}.`;
          },
        }),
        handoffTool({ to: this.#restaurant, description: "Use it for tables and food." }),
        ...this.#sharedTools,
      ],
    };
  }

  /** The agent that takes tables, in the same call: it has a tool of its own, and the desk's voice. */
  get #restaurant(): HandoffOptions {
    const people = { type: "integer", minimum: 1, maximum: 7 } as const;
    return {
      name: "Restaurant",
      instructions: "You are the restaurant of the Harbour Hotel. Answer in one short sentence.",
      llm: new RulesLLM(RESTAURANT_RULES, "Sorry, I did not understand that."),
      onEnter: (agent) => void agent.say("Harbour Restaurant. A table for how many?"),
      tools: [
        defineTool({
          name: "book_table",
          description: "Books a table for this evening",
          parameters: { type: "object", properties: { people }, required: ["people"] },
          execute: ({ people }, { callId }) => {
            this.tables.set(callId, people);
            return `Your table for ${NUMBERS[people - 1]} is booked.`;
          },
        }),
        ...this.#sharedTools,
      ],
    };
  }

  get #sharedTools(): Tool[] {
    return [
      defineTool({
        name: "connect_to_person",
        description: "Connects the guest to a person, after the answer",
        execute: (_, { participant }) => {
          this.#afterAnswer = () => this.#connect(participant?.id);
          return "One moment, I will connect you.";
        },
      }),
      defineTool({
        name: "end_call",
        description: "Ends the call, after the answer, when the guest has said goodbye",
        execute: () => {
          this.#afterAnswer = () => this.#agent.hangUp();
          return "Thank you for calling. Good bye!";
        },
      }),
    ];
  }

  /** Serves a call that the agent has joined, until it is over. */
  async serve(agent: Agent, signal?: AbortSignal): Promise<void> {
    this.#agent = agent;
    agent.events.subscribe(UserStateChangedEvent, async ({ allAway, awayCount }) => {
      if (allAway && awayCount === 1) await agent.say("Are you still there?");
      else if (allAway) await agent.hangUp({ say: "I cannot hear you. Good bye!" });
    });
    agent.events.subscribe(AgentSpeechEndedEvent, async ({ interrupted }) => {
      const act = this.#afterAnswer;
      this.#afterAnswer = undefined;
      // Who interrupts a goodbye has something else to say.
      if (!interrupted) await act?.();
    });
    try {
      await agent.finish({ signal });
    } finally {
      await agent.close();
      await this.#options.save(transcriptOf(agent.conversation!.messages));
    }
  }

  async #connect(participantId: string | undefined): Promise<void> {
    const { person } = this.#options;
    try {
      await this.#agent.connection!.transfer(person, { participantId });
      await this.#agent.close();
    } catch {
      // A page in a browser has no telephone, and a line may be busy.
      await this.#agent.say(`I cannot connect you from here. Please call ${person}.`);
    }
  }
}

function inWords(nights: number): string {
  return `${NUMBERS[nights - 1]} ${nights === 1 ? "night" : "nights"}`;
}

function euros(nights: number): string {
  return `${nights * EUROS_A_NIGHT} euros`;
}

const AUTHORS = { user: "Guest", assistant: "Desk", tool: "Tool", system: "System" };

function transcriptOf(messages: readonly Message[]): string {
  return messages.filter(({ role }) => role !== "system").map((message) => {
    const { role, text, interrupted, agentName } = message;
    const author = role === "assistant" && agentName || AUTHORS[role];
    return `${author}: ${text}${interrupted ? " ..." : ""}\n`;
  }).join("");
}

if (import.meta.main) {
  const options = commandLine({ port: 0, person: "+49 30 123456" });
  await run(async (signal) => {
    // Where it may not be written, that is known now, and not after the first call.
    await Deno.writeTextFile(TRANSCRIPT, "", { append: true });
    await using edge = await usable(() => new LocalEdge({ port: options.port }));
    const desk = new FrontDesk({
      person: options.person,
      save: (transcript) => Deno.writeTextFile(TRANSCRIPT, transcript),
    });
    const agent = new Agent({
      edge,
      agentUser: { id: "desk", name: "Front desk" },
      ...desk.agentOptions,
      stt: sttFromTranscriber(new PocketSphinx(GRAMMAR)),
      tts: ttsFromSentences(new EspeakVoice()),
      turnHandling: { turnDetection: fixedEndpointing(500) },
    });
    const call = await agent.createCall("default", "front-desk");
    // The models load while it joins, on a slow machine for longer than the usual ten seconds.
    const joining = { participantWaitTimeoutMs: 0, timeoutMs: 60_000, signal };
    await using _session = await agent.join(call, joining);
    await edge.openDemo(call, { signal });
    await desk.serve(agent, signal);
  });
}
