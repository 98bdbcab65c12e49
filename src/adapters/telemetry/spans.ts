/** The spans of an agent: the recording, its turns, and what is done in each. @module */
import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
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
  { attributes, told }: Recording,
): Disposable {
  const { user } = source;
  const tracer = trace.getTracer("@ringline/edge");
  const session = tracer.startSpan("session", {
    attributes: {
      ...attributes,
      ...user && { "gen_ai.agent.id": user.id, "gen_ai.agent.name": user.name },
    },
  });
  let turn: Span | undefined;
  const within = (parent: Span) => trace.setSpan(context.active(), parent);
  const endTurn = () => {
    turn?.end();
    turn = undefined;
  };
  /** Records what has just ended, in the turn in progress. */
  const past = (
    name: string,
    ms: number,
    { kind, extra, failure }: { kind?: SpanKind; extra: Attributes; failure?: unknown },
  ) => {
    const end = Date.now();
    const options = { kind, startTime: end - ms, attributes: { ...attributes, ...extra } };
    const span = tracer.startSpan(name, options, within(turn ?? session));
    if (failure !== undefined) fail(span, failure);
    return { span, startMs: end - ms, end: () => span.end(end) };
  };

  const records = new DisposableStack();
  if (events) {
    records.use(events.subscribe(
      [
        TurnEndedEvent,
        ModelResponseEvent,
        ToolCalledEvent,
        ReplyLatencyEvent,
        AgentSpeechEndedEvent,
      ],
      (event) => {
        if (event instanceof TurnEndedEvent) {
          endTurn();
          turn = tracer.startSpan("turn", {
            attributes: {
              ...attributes,
              "ringline.participant.id": event.participant.id,
              "ringline.turn.reason": event.reason,
              ...content("ringline.turn.text", told(event.text)),
            },
          }, within(session));
        } else if (event instanceof ModelResponseEvent) {
          const { outcome, error, model, finishReason, inputTokens, outputTokens } = event;
          past(model === undefined ? "chat" : `chat ${model}`, event.durationMs, {
            kind: SpanKind.CLIENT,
            failure: outcome === "failed" ? error : undefined,
            extra: {
              ...genAi(event),
              ...finishReason && { "gen_ai.response.finish_reasons": [finishReason] },
              ...inputTokens !== undefined && { "gen_ai.usage.input_tokens": inputTokens },
              ...outputTokens !== undefined && { "gen_ai.usage.output_tokens": outputTokens },
              ...outcome !== "complete" && { "error.type": typeOf(event) },
            },
          }).end();
        } else if (event instanceof ToolCalledEvent) {
          const { call: { id, name, input }, result: { isError, text }, durationMs } = event;
          past(`execute_tool ${name}`, durationMs, {
            failure: isError ? told(text) ?? "the tool failed" : undefined,
            extra: {
              "gen_ai.operation.name": "execute_tool",
              "gen_ai.tool.name": name,
              "gen_ai.tool.call.id": id,
              ...content("gen_ai.tool.call.arguments", told(JSON.stringify(input))),
              ...content("gen_ai.tool.call.result", told(text)),
            },
          }).end();
        } else if (event instanceof ReplyLatencyEvent) {
          const { preemptive, voiceToVoiceMs } = event;
          const extra = { "ringline.preemptive": preemptive };
          const reply = past("reply", voiceToVoiceMs, { extra });
          let at = reply.startMs;
          for (const [part, ms] of partsOf(event)) {
            tracer.startSpan(part, { startTime: at, attributes }, within(reply.span)).end(at + ms);
            at += ms;
          }
          reply.end();
        } else {
          turn?.setAttributes({
            "ringline.reply.interrupted": event.interrupted,
            ...content("ringline.reply.text", told(event.text)),
          });
          endTurn();
        }
      },
    ));
  }
  records.use(subscribeToOwn(source, [ErrorEvent], ({ error, context: what }) => {
    fail(turn ?? session, error, { "ringline.context": what });
  }));
  records.defer(() => {
    endTurn();
    session.end();
  });
  return records;
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
