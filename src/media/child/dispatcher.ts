/** Takes what arrives over the wire to where it belongs. @module */
import { ClosedError, EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { AgentAudioFrame } from "../wire/audio_frames.ts";
import type { RequestParams, ToChild, WireRequest } from "../wire/control.ts";
import type { Frame } from "../wire/frame_parser.ts";
import { ChildConnection, type ChildServices } from "./child_connection.ts";
import type { EdgeChild } from "./contract.ts";
import { toWireError } from "./wire_error.ts";

/** Dispatches what arrives over the wire to its connection and to the edge. */
export class Dispatcher {
  readonly #services: ChildServices;
  readonly #connections = new Map<number, ChildConnection>();
  readonly #requests = new Map<number, AbortController>();
  #edge: EdgeChild | undefined;
  #closed = false;

  constructor(services: ChildServices) {
    this.#services = services;
  }

  /** Opens the dispatcher to requests for `edge`. */
  open(edge: EdgeChild): void {
    this.#edge = edge;
  }

  /** Whether the process is unused. */
  get isEmpty(): boolean {
    return this.#connections.size === 0 && this.#requests.size === 0 &&
      (this.#edge?.isEmpty?.() ?? false);
  }

  /** Ends all requests: the edge only says goodbye from here on. */
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
        this.#requests.get(message.id)?.abort(
          new DOMException("the agent stopped waiting", "AbortError"),
        );
        break;
      case "pause": {
        const playout = this.#connections.get(message.connection)?.playoutOf(message.stream);
        if (message.paused) playout?.pause();
        else playout?.resume();
        break;
      }
      case "subscribe": {
        const connection = this.#connections.get(message.connection);
        if (connection === undefined) break;
        try {
          const { trackId, stream } = message;
          const constraints = message.constraints ?? undefined;
          const track = constraints && this.#edge?.videoTrack(connection, trackId);
          connection.subscribe(trackId, stream, constraints, track);
          this.#edge?.subscribed?.(connection, trackId, constraints);
        } catch (error) {
          this.#services.log("error", `subscribing failed: ${error}`);
        }
      }
    }
  }

  onAgentAudio(audio: AgentAudioFrame): void {
    // Audio of a connection that has just closed may still arrive: no error.
    this.#connections.get(audio.connectionId)?.play(audio);
  }

  onFragment(
    frame: Frame,
    { connectionId, stream }: { connectionId: number; stream: number },
  ): void {
    this.#connections.get(connectionId)?.showFragment(frame, stream);
  }

  #onRequest(request: WireRequest): void {
    const { id } = request;
    const abort = new AbortController();
    this.#requests.set(id, abort);
    // A request that waits for nothing is replied to in this turn: a flush must be.
    Promise.try(() => this.#handle(request, abort.signal)).then(
      (result) => this.#services.send({ type: "reply", id, result: result ?? null }),
    ).catch(
      // Also for a result that cannot be sent.
      (error) => this.#services.send({ type: "reply", id, error: toWireError(error) }),
    ).finally(() => this.#requests.delete(id));
  }

  #handle(request: WireRequest, signal: AbortSignal): JsonValue | void | Promise<JsonValue | void> {
    const edge = this.#edge;
    if (edge === undefined || this.#closed) throw new ClosedError("the media process");
    switch (request.method) {
      case "join":
        return this.#join(edge, request.params, signal);
      case "leave":
        return this.#leave(edge, request.params.connection);
      case "publish": {
        const connection = this.#connection(request.params.connection);
        connection.publish(request.params);
        const { audio, video, again, directed } = request.params;
        const kinds = { audio: audio !== null, video: video !== null };
        return edge.publish(connection, kinds, { again, directed: directed.map(({ to }) => to) });
      }
      case "flush": {
        const { connection, stream, epoch } = request.params;
        // What is not published any more has nothing left to play.
        const playout = this.#connection(connection).playoutOf(stream);
        const { playedMs = 0, trimmedMs = 0 } = playout?.state() ?? {};
        playout?.flush(stream, epoch);
        return { playedMs, trimmedMs };
      }
      case "sendCustomEvent":
        return this.#sendCustomEvent(edge, request.params);
      case "edge":
        return edge.request(request.params.method, request.params.params, signal);
      case "stats":
        return { rssBytes: Deno.memoryUsage().rss, connections: this.#connections.size };
      case "audioStats":
        return this.#audioStats(edge, request.params.connection);
    }
  }

  #sendCustomEvent(
    edge: EdgeChild,
    { connection: connectionId, data, to }: RequestParams["sendCustomEvent"],
  ): Promise<void> {
    const connection = this.#connection(connectionId);
    if (to === undefined) return edge.sendCustomEvent(connection, data);
    if (edge.sendCustomEventTo) return edge.sendCustomEventTo(connection, to, data);
    // Sending it to all would tell them what one alone is to read.
    throw new EdgeError(
      "this edge cannot send a custom event to one participant: its child side has no " +
        "sendCustomEventTo",
      { code: "unsupported" },
    );
  }

  async #audioStats(edge: EdgeChild, connectionId: number): Promise<JsonValue> {
    const stats = await edge.audioStats?.(this.#connection(connectionId)) ?? [];
    return stats.map(({ roundTripMs, ...rest }) =>
      roundTripMs === undefined ? rest : { ...rest, roundTripMs }
    );
  }

  async #join(
    edge: EdgeChild,
    params: RequestParams["join"],
    signal: AbortSignal,
  ): Promise<JsonValue> {
    if (this.#connections.has(params.connection)) {
      throw new EdgeError(`connection ${params.connection} is open already`, {
        code: "bad-request",
      });
    }
    const connection = new ChildConnection(this.#services, params);
    connection.onVideoResized = () => {
      try {
        edge.videoResized?.(connection);
      } catch (error) {
        this.#services.log("error", `another size of the agent's pictures: ${error}`);
      }
    };
    this.#connections.set(connection.connectionId, connection);
    try {
      const joined = await edge.join(connection, params.params, signal);
      signal.throwIfAborted();
      return joined;
    } catch (error) {
      await this.#leave(edge, connection.connectionId);
      throw error;
    }
  }

  async #leave(edge: EdgeChild, connectionId: number): Promise<void> {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    this.#connections.delete(connectionId);
    try {
      await edge.leave(connection);
    } finally {
      connection.close();
    }
  }

  #connection(connectionId: number): ChildConnection {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) throw new ClosedError(`connection ${connectionId}`);
    return connection;
  }
}
