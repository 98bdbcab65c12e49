/** The agent's own tracks in a room. @module */
import {
  AddTrackRequest,
  MuteTrackRequest,
  type TrackInfo,
  TrackPublishedResponse,
  TrackSource,
  TrackType,
  UpdateLocalVideoTrack,
  VideoLayer,
  VideoQuality,
} from "@livekit/protocol";
import type { RtcTrack, RtcTransceiver } from "@ringline/edge/media/child";
import {
  type Clock,
  ClosedError,
  ConnectionError,
  EdgeError,
  isTimeout,
  waitFor,
} from "@ringline/edge/toolkit";
import type { ClientMessage } from "../signal/signal_socket.ts";
import type { Audience, AudienceTrack } from "./audience.ts";
import type { RoomPeer } from "./room_peer.ts";

/** Time limit for the server's consent to a track. */
const CONSENT_MS = 10_000;

/** The kinds of the agent's own tracks. */
export type OwnKind = "audio" | "video";
/** The agent's tracks; absent where it publishes none. */
export type OwnTracks = { readonly [Kind in OwnKind]?: RtcTrack } & {
  /** What one participant alone hears, by their identities. */
  readonly directed?: ReadonlyMap<string, RtcTrack>;
};
/** The size of pictures. */
export type PictureSize = { readonly width: number; readonly height: number };

/** What LiveKit calls the tracks of an agent. */
const SOURCES = {
  audio: { type: TrackType.AUDIO, source: TrackSource.MICROPHONE, name: "agent-audio" },
  video: { type: TrackType.VIDEO, source: TrackSource.CAMERA, name: "agent-video" },
} as const;
/** What one participant alone hears: front ends take the microphone for the agent's voice. */
const DIRECTED = { ...SOURCES.audio, source: TrackSource.UNKNOWN, name: "agent-audio-directed" };

/** The size that video is declared with before its first picture. */
const USUAL_SIZE: PictureSize = { width: 1280, height: 720 };

/** Returns the source of the agent's track, by which permissions are given. */
export function sourceOf(kind: OwnKind): TrackSource {
  return SOURCES[kind].source;
}

/** A track that is to be in the room. */
interface Wish {
  readonly kind: OwnKind;
  /** The identity of the participant who alone hears it; `undefined` for all. */
  readonly to: string | undefined;
  readonly track: RtcTrack;
}

/** A track in the room; `track` is the agent's, or a copy where the room has had that one before. */
interface Publication extends Wish {
  readonly transceiver: RtcTransceiver;
  info: TrackInfo | undefined;
  isMuted: boolean;
}

/** What {@linkcode Publisher} needs. */
export interface PublisherInit {
  peer: Pick<RoomPeer, "addSending" | "negotiate">;
  audience: Audience;
  clock: Clock;
  send: (message: ClientMessage) => void;
  /** The size of the agent's last picture. */
  size: () => PictureSize | undefined;
}

/** Publishes tracks, mutes them and unmutes them: one change after the other. */
export class Publisher {
  readonly #options: PublisherInit;
  /** By {@linkcode keyOf}. */
  readonly #publications = new Map<string, Publication>();
  readonly #consents = new Map<string, PromiseWithResolvers<TrackInfo>>();
  readonly #used = new Set<string>();
  readonly #copies: RtcTrack[] = [];
  #last: Promise<unknown> = Promise.resolve();
  /** Whether the server may not have heard what was said last. */
  #isUnheard = false;
  #isClosed = false;

  constructor(options: PublisherInit) {
    this.#options = options;
  }

  /** The published tracks, for a server that has forgotten them. */
  get published(): TrackPublishedResponse[] {
    return [...this.#publications.values()].flatMap(({ track: { id: cid }, info }) =>
      info ? [new TrackPublishedResponse({ cid, track: info })] : []
    );
  }

  /** The kind of the published track with this id. */
  kindOf(sid: string): OwnKind | undefined {
    return this.#publications.values().find(({ info }) => info?.sid === sid)?.kind;
  }

  /** The id of the agent's published track. */
  sidOf(kind: OwnKind): string | undefined {
    return this.#publications.get(keyOf(kind))?.info?.sid;
  }

  /** Whether the server has been asked for a track, and has not responded. */
  get isAsking(): boolean {
    return this.#consents.size > 0;
  }

  /**
   * Publishes these tracks, and mutes published ones that are not among them.
   *
   * @throws {EdgeError} the server refuses a track: `publish-refused`, or does not respond: `timeout`.
   */
  publish(tracks: OwnTracks): Promise<void> {
    const done = this.#last.then(() => this.#publish(tracks));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Others have joined or left: tells the server who of them may receive what. */
  audienceChanged(): void {
    this.#options.audience.update(this.#audienceTracks);
  }

  /** Declares video's size anew. */
  resized(): void {
    const trackSid = this.sidOf("video");
    const size = this.#options.size();
    if (trackSid === undefined || !size) return;
    const value = new UpdateLocalVideoTrack({ trackSid, ...size });
    this.#options.send({ case: "updateVideoTrack", value });
  }

  /** The session has another socket: what was said by the last one may be lost. */
  resumed(): void {
    this.#isUnheard = true;
    this.#options.audience.repeat();
    this.resized();
  }

  /**
   * Takes how the server sees the agent's tracks, and repeats a mute, or the end of one, that it has not
   * heard. Returns the kinds that others have muted meanwhile.
   */
  confirm(tracks: readonly TrackInfo[]): OwnKind[] {
    const isUnheard = this.#isUnheard;
    this.#isUnheard = false;
    return [...this.#publications.values()].flatMap((publication) => {
      const { info: before, kind, isMuted } = publication;
      const info = tracks.find(({ sid }) => sid === before?.sid);
      if (!before || !info) return [];
      publication.info = info;
      if (!isUnheard || info.muted === isMuted) return [];
      // The agent has not said so: it was heard before.
      if (info.muted && !before.muted) return [kind];
      this.#options.send({
        case: "mute",
        value: new MuteTrackRequest({ sid: info.sid, muted: isMuted }),
      });
      return [];
    });
  }

  /** The server agrees to a track. */
  onConsent({ cid, track }: TrackPublishedResponse): void {
    if (track) this.#consents.get(cid)?.resolve(track);
  }

  /** The server refuses a track. */
  onRefusal(cid: string, reason: string): void {
    const error = new EdgeError(`the server refuses the agent's track: ${reason}`, {
      code: "publish-refused",
    });
    this.#consents.get(cid)?.reject(error);
  }

  /** The server has removed a track: the agent may no longer publish it. */
  async onRemoved(sid: string): Promise<void> {
    const removed = this.#publications.values().find(({ info }) => info?.sid === sid);
    if (removed) await this.#drop(removed);
  }

  /** Stops sending. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const consent of this.#consents.values()) {
      consent.promise.catch(() => {});
      consent.reject(new ClosedError("the session"));
    }
    await Promise.allSettled(
      [...this.#publications.values()].map(({ transceiver }) =>
        transceiver.sender.replaceTrack(null)
      ),
    );
    for (const copy of this.#copies.splice(0)) copy.stop();
  }

  async #publish(tracks: OwnTracks): Promise<void> {
    if (this.#isClosed) throw new ClosedError("the session");
    const { peer, audience } = this.#options;
    const wishes = wishesOf(tracks);
    let isOffered = await this.#end(wishes);
    // Before there is a track for one participant, no other may receive what is new.
    const added = [...wishes].flatMap(([key, { to }]) =>
      to === undefined || this.#publications.has(key) ? [] : [{ to, sid: undefined }]
    );
    if (added.length > 0) audience.update([...this.#audienceTracks, ...added]);
    const steps: Promise<void>[] = [];
    for (const [key, wish] of wishes) {
      const publication = this.#publications.get(key);
      if (publication) await this.#send(publication, wish.track);
      else {
        steps.push(this.#add(key, wish));
        isOffered = true;
      }
    }
    // One round trip: the server has the tracks' names before it has the offer.
    if (isOffered) steps.push(peer.negotiate());
    const results = await Promise.allSettled(steps);
    audience.update(this.#audienceTracks);
    const failed = results.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }

  /**
   * Mutes what is not wanted any more, and ends what was for one participant who has left. Returns
   * whether the server has to know by an offer.
   */
  async #end(wishes: ReadonlyMap<string, Wish>): Promise<boolean> {
    let isOffered = false;
    for (const [key, publication] of this.#publications) {
      if (wishes.has(key)) continue;
      const { to, transceiver } = publication;
      if (to === undefined || this.#options.audience.has(to)) await this.#send(publication, null);
      else {
        await this.#drop(publication);
        transceiver.direction = "inactive";
        isOffered = true;
      }
    }
    return isOffered;
  }

  get #audienceTracks(): AudienceTrack[] {
    return [...this.#publications.values()].map(({ to, info }) => ({ to, sid: info?.sid }));
  }

  /** Asks for the server's consent to a track, and adds its section. */
  async #add(key: string, { kind, to, track: given }: Wish): Promise<void> {
    const { peer, clock, send, size } = this.#options;
    // The server knows a section by its track, and each may be published once.
    const track = this.#used.has(given.id) ? given.clone() : given;
    if (track !== given) this.#copies.push(track);
    this.#used.add(track.id);
    const transceiver = peer.addSending(track);
    const publication: Publication = {
      kind,
      to,
      track,
      transceiver,
      info: undefined,
      isMuted: false,
    };
    this.#publications.set(key, publication);
    const consent = Promise.withResolvers<TrackInfo>();
    this.#consents.set(track.id, consent);
    const picture = kind === "video" ? describe(size() ?? USUAL_SIZE) : {};
    const source = to === undefined ? SOURCES[kind] : DIRECTED;
    const value = new AddTrackRequest({ cid: track.id, ...source, ...picture });
    send({ case: "addTrack", value });
    try {
      const what = `the server's consent to ${kind}`;
      publication.info = await waitFor(consent.promise, what, { timeoutMs: CONSENT_MS, clock });
    } catch (error) {
      await this.#drop(publication);
      if (!isTimeout(error)) throw error;
      throw new ConnectionError(`the server did not take the agent's ${kind}`, {
        code: "timeout",
        retryable: true,
      });
    } finally {
      this.#consents.delete(track.id);
    }
  }

  /** Unmutes a track, or mutes it where there is none. */
  async #send(publication: Publication, track: RtcTrack | null): Promise<void> {
    const muted = track === null;
    if (publication.isMuted === muted) return;
    publication.isMuted = muted;
    const { transceiver, info } = publication;
    await transceiver.sender.replaceTrack(track);
    if (!info) return;
    const value = new MuteTrackRequest({ sid: info.sid, muted });
    this.#options.send({ case: "mute", value });
  }

  async #drop({ kind, to, transceiver }: Publication): Promise<void> {
    this.#publications.delete(keyOf(kind, to));
    await transceiver.sender.replaceTrack(null);
  }
}

function keyOf(kind: OwnKind, to?: string): string {
  return to === undefined ? kind : `${kind} to ${to}`;
}

function wishesOf({ audio, video, directed = new Map() }: OwnTracks): Map<string, Wish> {
  const wishes = new Map<string, Wish>();
  const add = (kind: OwnKind, track: RtcTrack | undefined, to?: string) => {
    if (track) wishes.set(keyOf(kind, to), { kind, to, track });
  };
  add("audio", audio);
  add("video", video);
  for (const [to, track] of directed) add("audio", track, to);
  return wishes;
}

/** The size of video, and its only layer. */
function describe({ width, height }: PictureSize): Partial<AddTrackRequest> {
  const layer = new VideoLayer({ quality: VideoQuality.HIGH, width, height });
  return { width, height, layers: [layer] };
}
