/** Starts a call that an operator asks for, with a link for people where the edge has links. @module */
import type { Call } from "../../edge/call.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { EdgeError } from "../../edge/errors.ts";
import type { RunningJob } from "../../edge/jobs.ts";
import type { AgentWorker } from "../agent_worker.ts";
import { HttpError } from "../http/responses.ts";
import type { StartRequest } from "./requests.ts";

/** An edge whose calls have links for people. */
interface LinkedEdge extends EdgeTransport {
  callLink(call: Call): Promise<URL>;
}

/** A call that was started. */
export interface StartedCall {
  /** The id of its job. */
  id: string;
  /** Its link; `undefined` where it has none. */
  url: string | undefined;
}

/**
 * Starts a call. What fails later is the worker's to report, and ends the call for people who came by the
 * link: no agent comes.
 *
 * @throws {HttpError} it has not started.
 */
export async function startCall(
  worker: AgentWorker,
  edge: EdgeTransport,
  start: StartRequest,
): Promise<StartedCall> {
  const id = crypto.randomUUID();
  const { callId, callType = "default" } = start;
  if (!hasLinks(edge)) {
    await begun(() => worker.start({ ...start, id, edge }));
    return { id, url: undefined };
  }
  const call = await begun(() => edge.createCall(callId, { callType }));
  const run = await begun(() => worker.start({ ...start, id, edge, call }));
  const context = `the link of ${callId}`;
  const link = edge.callLink(call).then(({ href }) => href).catch((error) => {
    worker.report(error, context);
    return undefined;
  });
  void endUnattended(run, edge, call, link).catch((error) => worker.report(error, context));
  return { id, url: await link };
}

/** Ends a call whose agent does not come: its link has opened it. */
async function endUnattended(
  run: RunningJob,
  edge: EdgeTransport,
  call: Call,
  link: Promise<unknown>,
): Promise<void> {
  const outcome = await run.ended;
  await link;
  if (outcome.status === "finished" && outcome.reason !== "aborted") return;
  // Another agent may be in it.
  const isAttended = [...edge.connections].some((one) =>
    one.call.id === call.id && one.call.type === call.type
  );
  if (!isAttended) await edge.endCall(call);
}

/** Returns what a step returns, or throws what the operator is answered. */
async function begun<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof TypeError) throw new HttpError(400, "bad-request", error.message);
    if (!(error instanceof EdgeError)) throw error;
    throw error.retryable
      ? new HttpError(503, error.code, error.message, { "retry-after": "5" })
      : new HttpError(409, error.code, error.message);
  }
}

function hasLinks(edge: EdgeTransport): edge is LinkedEdge {
  return typeof (edge as Partial<LinkedEdge>).callLink === "function";
}
