import { ClosedError, EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { AgentAudioFrame } from "../wire/audio_frames.ts";
import type { RequestParams, ToChild, WireRequest } from "../wire/control.ts";
import type { Frame } from "../wire/frame_parser.ts";
import { ConnectionPort, type PortOwner } from "./agent_port.ts";
import type { EdgeChild } from "./contract.ts";
import { toWireError } from "./wire_error.ts";

/** Brings what comes over the wire to its port and to the edge. */
export class Dispatcher {
  readonly #host: PortOwner;
  readonly #ports = new Map<number, ConnectionPort>();
  readonly #requests = new Map<number, AbortController>();
  #edge: EdgeChild | undefined;
  #closed = false;

  constructor(host: PortOwner) {
    this.#host = host;
  }

  /** The edge is there: requests can come. */
  open(edge: EdgeChild): void {
    this.#edge = edge;
  }

  /** Whether nobody uses the process. */
  get isEmpty(): boolean {
    return this.#ports.size === 0 && this.#requests.size === 0 &&
      (this.#edge?.isEmpty?.() ?? false);
  }

  /** The end: nothing is asked of the edge any more but to say goodbye. */
  close(): void {
    this.#closed = true;
    for (const request of this.#requests.values()) request.abort(new ClosedError("the process"));
  }

  onMessage(message: Exclude<ToChild, { type: "start" }>): void {
    switch (message.type) {
      case "request":
        this.#onRequest(message);
        break;
      case "cancel":
        this.#requests.get(message.id)?.abort(new DOMException("given up", "AbortError"));
        break;
      case "pause": {
        const playout = this.#ports.get(message.connection)?.playout;
        if (playout?.state().stream !== message.stream) break;
        if (message.paused) playout.pause();
        else playout.resume();
        break;
      }
      case "subscribe": {
        const port = this.#ports.get(message.connection);
        if (port === undefined) break;
        try {
          const wish = message.wish ?? undefined;
          const { trackId } = message;
          const track = wish === undefined ? undefined : this.#edge?.videoTrack(port, trackId);
          port.subscribe(trackId, message.stream, wish, track);
          this.#edge?.subscribed?.(port, trackId, wish);
        } catch (error) {
          this.#host.log("error", `subscribing failed: ${error}`);
        }
      }
    }
  }

  onSaid(said: AgentAudioFrame): void {
    // What is said to a port that has just closed is on its way still: no error.
    this.#ports.get(said.connectionId)?.say(said);
  }

  onPiece(frame: Frame, { connectionId, stream }: { connectionId: number; stream: number }): void {
    this.#ports.get(connectionId)?.showPiece(frame, stream);
  }

  #onRequest(request: WireRequest): void {
    const { id } = request;
    const abort = new AbortController();
    this.#requests.set(id, abort);
    // What does not wait for anything answers in this turn: a flush must.
    Promise.try(() => this.#answer(request, abort.signal)).then(
      (result) => this.#host.send({ type: "reply", id, result: result ?? null }),
    ).catch(
      // Also of a result that cannot be sent.
      (error) => this.#host.send({ type: "reply", id, error: toWireError(error) }),
    ).finally(() => this.#requests.delete(id));
  }

  #answer(request: WireRequest, signal: AbortSignal): JsonValue | void | Promise<JsonValue | void> {
    const edge = this.#edge;
    if (edge === undefined || this.#closed) throw new ClosedError("the media process");
    switch (request.method) {
      case "join":
        return this.#join(edge, request.params, signal);
      case "leave":
        return this.#leave(edge, request.params.connection);
      case "publish": {
        const port = this.#port(request.params.connection);
        port.publish(request.params);
        const { audio, video } = request.params;
        return edge.publish(port, { audio: audio !== null, video: video !== null });
      }
      case "flush": {
        const { connection, stream, epoch } = request.params;
        const { playout } = this.#port(connection);
        const { playedMs, trimmedMs } = playout.state();
        playout.flush(stream, epoch);
        return { playedMs, trimmedMs };
      }
      case "sendCustomEvent":
        return edge.sendCustomEvent(this.#port(request.params.connection), request.params.data);
      case "edge":
        return edge.request(request.params.method, request.params.params, signal);
      case "stats":
        return { rssBytes: Deno.memoryUsage().rss, connections: this.#ports.size };
    }
  }

  async #join(
    edge: EdgeChild,
    params: RequestParams["join"],
    signal: AbortSignal,
  ): Promise<JsonValue> {
    if (this.#ports.has(params.connection)) {
      throw new EdgeError(`connection ${params.connection} is open`, { code: "bad-request" });
    }
    const port = new ConnectionPort(this.#host, params);
    this.#ports.set(port.connectionId, port);
    try {
      const joined = await edge.join(port, params.params, signal);
      signal.throwIfAborted();
      return joined;
    } catch (error) {
      await this.#leave(edge, port.connectionId);
      throw error;
    }
  }

  async #leave(edge: EdgeChild, connectionId: number): Promise<void> {
    const port = this.#ports.get(connectionId);
    if (port === undefined) return;
    this.#ports.delete(connectionId);
    try {
      await edge.leave(port);
    } finally {
      port.close();
    }
  }

  #port(connectionId: number): ConnectionPort {
    const port = this.#ports.get(connectionId);
    if (port === undefined) throw new ClosedError(`connection ${connectionId}`);
    return port;
  }
}
