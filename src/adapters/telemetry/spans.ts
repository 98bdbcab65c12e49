/** The spans of an agent: the recording, its turns, and what is done in each. @module */
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "npm:@opentelemetry/api@1.10.0";
import {
  AgentSpeechEndedEvent,
  ModelResponseEvent,
  ReplyLatencyEvent,
  ToolCalledEvent,
  TurnEndedEvent,
} from "../../inference/contracts/events.ts";
import { ErrorEvent } from "../../edge/events.ts";
import type { EventManager } from "../../events/event_manager.ts";
import { genAi, typeOf } from "./conventions.ts";
import { partsOf } from "./metrics.ts";
import { subscribeToOwn } from "./own_events.ts";
import type { Recording, TelemetrySource } from "./recording.ts";

/** Records the spans until the result is disposed. */
export function recordSpans(
  source: TelemetrySource,
  events: EventManager | undefined,
  recording: Recording,
): Disposable {
  const spans = new AgentSpans(source, recording);
  const records = new DisposableStack();
  if (events) {
    records.use(events.subscribe(TurnEndedEvent, (event) => spans.turnEnded(event)));
    records.use(events.subscribe(ModelResponseEvent, (event) => spans.modelResponded(event)));
    records.use(events.subscribe(ToolCalledEvent, (event) => spans.toolCalled(event)));
    records.use(events.subscribe(ReplyLatencyEvent, (event) => spans.replyBegan(event)));
    records.use(events.subscribe(AgentSpeechEndedEvent, (event) => spans.agentSpoke(event)));
  }
  records.use(subscribeToOwn(source, [ErrorEvent], (event) => spans.failed(event)));
  records.use(spans);
  return records;
}

/** What is recorded as having just ended. */
interface Past {
  kind?: SpanKind;
  attributes: Attributes;
  failure?: unknown;
}

/** The spans of an agent: a session of turns, and in each what was done to reply to it. */
class AgentSpans implements Disposable {
  readonly #tracer: Tracer = trace.getTracer("@ringline/edge");
  readonly #recording: Recording;
  readonly #session: Span;
  /** The turn in progress: from a person's last word until the agent has replied. */
  #turn: Span | undefined;

  constructor({ user }: TelemetrySource, recording: Recording) {
    this.#recording = recording;
    this.#session = this.#tracer.startSpan("session", {
      attributes: {
        ...recording.attributes,
        ...user && { "gen_ai.agent.id": user.id, "gen_ai.agent.name": user.name },
      },
    });
  }

  turnEnded({ participant, reason, text }: TurnEndedEvent): void {
    const { attributes, told } = this.#recording;
    this.#endTurn();
    this.#turn = this.#tracer.startSpan("turn", {
      attributes: {
        ...attributes,
        "ringline.participant.id": participant.id,
        "ringline.turn.reason": reason,
        ...content("ringline.turn.text", told(text)),
      },
    }, within(this.#session));
  }

  modelResponded(event: ModelResponseEvent): void {
    const { outcome, error, model, finishReason, inputTokens, outputTokens } = event;
    this.#past(model === undefined ? "chat" : `chat ${model}`, event.durationMs, {
      kind: SpanKind.CLIENT,
      failure: outcome === "failed" ? error : undefined,
      attributes: {
        ...genAi(event),
        ...finishReason && { "gen_ai.response.finish_reasons": [finishReason] },
        ...inputTokens !== undefined && { "gen_ai.usage.input_tokens": inputTokens },
        ...outputTokens !== undefined && { "gen_ai.usage.output_tokens": outputTokens },
        ...outcome !== "complete" && { "error.type": typeOf(event) },
      },
    }).end();
  }

  toolCalled({ call: { id, name, input }, result, durationMs }: ToolCalledEvent): void {
    const { told } = this.#recording;
    this.#past(`execute_tool ${name}`, durationMs, {
      failure: result.isError ? told(result.text) ?? "the tool failed" : undefined,
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": id,
        ...content("gen_ai.tool.call.arguments", told(JSON.stringify(input))),
        ...content("gen_ai.tool.call.result", told(result.text)),
      },
    }).end();
  }

  /** Records from the person's last sound to the reply's first, and its parts in it. */
  replyBegan(event: ReplyLatencyEvent): void {
    const { attributes } = this.#recording;
    const reply = this.#past("reply", event.voiceToVoiceMs, {
      attributes: { "ringline.preemptive": event.preemptive },
    });
    let at = reply.startMs;
    for (const [part, ms] of partsOf(event)) {
      const options = { startTime: at, attributes };
      this.#tracer.startSpan(part, options, within(reply.span)).end(at + ms);
      at += ms;
    }
    reply.end();
  }

  agentSpoke({ interrupted, text }: AgentSpeechEndedEvent): void {
    this.#turn?.setAttributes({
      "ringline.reply.interrupted": interrupted,
      ...content("ringline.reply.text", this.#recording.told(text)),
    });
    this.#endTurn();
  }

  failed({ error, context }: ErrorEvent): void {
    fail(this.#turn ?? this.#session, error, { "ringline.context": context });
  }

  [Symbol.dispose](): void {
    this.#endTurn();
    this.#session.end();
  }

  #endTurn(): void {
    this.#turn?.end();
    this.#turn = undefined;
  }

  /** Begins a span, in the turn in progress, of what took so long and has just ended. */
  #past(name: string, ms: number, { kind, attributes, failure }: Past) {
    const end = Date.now();
    const span = this.#tracer.startSpan(name, {
      kind,
      startTime: end - ms,
      attributes: { ...this.#recording.attributes, ...attributes },
    }, within(this.#turn ?? this.#session));
    if (failure !== undefined) fail(span, failure);
    return { span, startMs: end - ms, end: () => span.end(end) };
  }
}

function within(parent: Span): Context {
  return trace.setSpan(context.active(), parent);
}

function content(name: string, text: string | undefined): Attributes {
  return text === undefined ? {} : { [name]: text };
}

/** Records a failure in a span. */
function fail(span: Span, error: unknown, extra: Attributes = {}): void {
  span.setAttributes({ "error.type": typeOf({ error }), ...extra });
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}
