/**
 * The calls of a LocalEdge and their media processes: which process a call has, what is open in it, and
 * what goes on when one takes another's place.
 *
 * @module
 */
import * as v from "valibot";
import type { Call } from "../../edge/call.ts";
import type { EdgeEvents } from "../../edge/edge_events.ts";
import { EdgeError } from "../../edge/errors.ts";
import { ErrorEvent } from "../../edge/events.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { MediaLease } from "../../media/parent/media_lease.ts";
import type { Suspect } from "../../media/parent/restarts.ts";
import { callKey, callName, CallSecrets } from "./call_secrets.ts";
import { MediaHost, type MediaHostOptions } from "./media_host.ts";
import type { RunningServer } from "./server.ts";
import { type CallParams, childMessage } from "./wire/messages.ts";

/** Options for {@linkcode LocalCalls}. */
export interface LocalCallsInit
  extends Pick<MediaHostOptions, "settings" | "closing" | "denoPath" | "memoryLimit"> {
  clock: NonNullable<MediaHostOptions["clock"]>;
  logger: NonNullable<MediaHostOptions["logger"]>;
  events: EdgeEvents;
  /** The ids of invitations that were revoked and would still admit. */
  revoked(): string[];
  /** Whether an agent is in a call. */
  isJoined(call: Call): boolean;
  /** The server of the start page, while there is one. */
  server(): RunningServer | undefined;
}

/** The calls of one edge. */
export class LocalCalls {
  readonly secrets: CallSecrets;
  /** Serves the start page, and all calls unless each has a media process of its own. */
  readonly main: MediaHost;
  readonly #init: LocalCallsInit;
  /** With `mediaIsolation: "call"`, by call. */
  readonly #hosts = new Map<string, MediaHost>();
  /** Keeps a call open that has a link and no agent yet. */
  readonly #opened = new Map<string, MediaLease>();

  constructor(init: LocalCallsInit) {
    this.#init = init;
    this.secrets = new CallSecrets(init.settings.secret);
    this.main = this.#createHost(() => {});
  }

  /**
   * The media process of a call, which is about to be acquired.
   *
   * @throws {EdgeError} `too-many-calls`: one more process would be more than `limits.calls`
   */
  hostOf(call: Call): MediaHost {
    if (!this.#isIsolated) return this.main;
    const { limits } = this.#init.settings;
    // Each process knows of its own call only. One whose call has ended counts until it is gone.
    if (!this.#hosts.has(callKey(call)) && this.#hosts.size >= limits.calls) {
      throw new EdgeError(`${this.#hosts.size} calls are open: raise limits.calls, or end one`, {
        code: "too-many-calls",
        retryable: true,
      });
    }
    // Not forgotten when the call ends: the next agent may be joining it in that moment.
    return this.#hosts.getOrInsertComputed(
      callKey(call),
      (key) => this.#createHost(() => this.#hosts.delete(key)),
    );
  }

  /** The media process of a call, unless the call has none. */
  existingHostOf(call: Call): MediaHost | undefined {
    return this.#isIsolated ? this.#hosts.get(callKey(call)) : this.main;
  }

  /** Opens a call, keeps it open while no agent has joined it, and returns its link. */
  async open(call: Call, options: { signal?: AbortSignal; isAwaited?: boolean }): Promise<URL> {
    const key = callKey(call);
    // A wrong call rejects before a process starts.
    this.secrets.params(call);
    const { isAwaited = false } = options;
    const { closing } = this.#init;
    const signal = AbortSignal.any([closing, ...(options.signal ? [options.signal] : [])]);
    const host = this.hostOf(call);
    const lease = await host.acquire({ signal });
    let kept = false;
    try {
      const params: CallParams = this.secrets.params(call);
      const { origin } = host.keepPort(
        await lease.request("open", { ...params, isAwaited }, { signal, idempotent: true }),
      );
      if (!this.#init.isJoined(call) && !this.#opened.has(key)) {
        this.#opened.set(key, lease);
        kept = true;
      }
      const path = [call.type, call.id].map(encodeURIComponent).join("/");
      return new URL(`/call/${path}#${params.secret}`, origin);
    } finally {
      if (!kept) await lease.release();
    }
  }

  /** Keeps a call open no longer: its agents do, or nothing. */
  async release(key: string): Promise<void> {
    const lease = this.#opened.get(key);
    this.#opened.delete(key);
    await lease?.release();
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#opened.keys()].map((key) => this.release(key)));
  }

  /** Ends a call for all. */
  async end(call: Call): Promise<void> {
    const ended = this.existingHostOf(call)?.request("end", this.secrets.params(call));
    // What is not open any more is not opened again either, should the process be replaced meanwhile.
    await Promise.all([ended, this.release(callKey(call))]);
  }

  /** Ends a call that no agent has joined. */
  async endUnanswered(call: Call): Promise<void> {
    await this.existingHostOf(call)?.request("endUnanswered", this.secrets.params(call));
  }

  /** Tells all processes, and those after them, that an invitation was revoked. */
  async revoke(invitationId: string): Promise<void> {
    const revoked = this.#init.revoked();
    const hosts = [this.main, ...this.#hosts.values()];
    await Promise.all(hosts.map((host) => host.revoke(revoked, invitationId)));
  }

  get #isIsolated(): boolean {
    return this.#init.settings.isolated;
  }

  #createHost(onIdle: () => void): MediaHost {
    const { settings, closing, denoPath, memoryLimit, clock, logger, revoked } = this.#init;
    const host: MediaHost = new MediaHost({
      settings: { ...settings, revoked: revoked() },
      closing,
      denoPath,
      memoryLimit,
      clock,
      logger,
      onMessage: (message) => this.#onMessage(message),
      onReplaced: (request) => this.#reopen(host, request),
      onRefused: (refused) => this.#onRefused(host, refused),
      onLost: (error) => this.#onLost(host, error),
      onIdle,
    });
    return host;
  }

  #onMessage(message: JsonValue): void {
    const parsed = v.parse(childMessage, message);
    if (parsed.type === "listenerLost") {
      const error = new EdgeError(parsed.message, { code: "listener-lost", retryable: true });
      return this.#report(error, "listening for pages");
    }
    const { type, ...params } = parsed;
    if (type === "callEnded") {
      const key = callKey({ type: params.callType, id: params.callId });
      this.secrets.delete(key);
      void this.release(key);
      return;
    }
    const call = this.secrets.add(params);
    const server = this.#init.server();
    if (this.#isIsolated || server?.asks) void this.#answerStart(call, server);
    else server?.handleCall(call);
  }

  /** Lets a page into the call that it has started, unless the program does not take the call. */
  async #answerStart(call: Call, server: RunningServer | undefined): Promise<void> {
    const answer: { callId: string; origin?: string | null } = { callId: call.id };
    try {
      if (!await server?.accepts(call)) answer.origin = null;
      // Opened in a process of its own, where the page goes on.
      else if (this.#isIsolated) {
        answer.origin = (await this.open(call, { isAwaited: true })).origin;
      }
    } catch (error) {
      answer.origin = null;
      this.#report(error, `starting ${call.id}`);
    }
    await this.main.request("started", answer).catch(() => {});
    if (answer.origin === null) this.secrets.delete(callKey(call));
    else server?.handleCall(call);
  }

  /** Opens in another process what was open in the last one, beside the calls of agents. */
  async #reopen(host: MediaHost, request: MediaLease["request"]): Promise<void> {
    try {
      for (const call of this.#openedOn(host)) {
        // It may have ended meanwhile.
        if (this.#opened.has(callKey(call))) await request("open", this.secrets.params(call));
      }
      const server = this.#init.server();
      if (server && host === this.main) await request("serve", server.params);
    } finally {
      // Pages that come back wait for this.
      await request("reopened", null);
    }
  }

  /** The calls that are open in a process although no agent has joined them. */
  #openedOn(host: MediaHost): Call[] {
    const calls = [...this.#opened.keys()].map((key) => {
      const { type, id } = callName(key);
      return this.secrets.call(type, id);
    });
    return calls.filter((call) => this.existingHostOf(call) === host);
  }

  /** A user's messages, or those of several of a call, ended a media process twice. */
  #onRefused(host: MediaHost, { type, id, userId }: Suspect): void {
    if (userId === undefined) return void this.release(callKey({ type, id }));
    host.refuse({ type, id, userId });
    const error = new EdgeError(
      `what the user ${userId} sent ended the media process twice: they are refused in ${type}:${id}`,
      { code: "participant-refused" },
    );
    this.#report(error, "replacing the media process");
  }

  #onLost(host: MediaHost, error: EdgeError): void {
    for (const call of this.#openedOn(host)) void this.release(callKey(call));
    if (host === this.main) this.#init.server()?.restart(error);
  }

  #report(error: unknown, context: string): void {
    this.#init.events.emit(new ErrorEvent({ error, context }));
  }
}
