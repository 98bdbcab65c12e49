/**
 * The connection that carries the agent's audio and video to the SFU.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PictureLimits, RtcTrack, RtcTransceiver } from "@ringline/edge/media/child";
import { EdgeError, TrackType } from "@ringline/edge/toolkit";
import {
  PeerType,
  type PublishOption,
  type TrackInfoSchema,
  type VideoLayerSetting,
  type VideoSender,
} from "../proto/signal_pb.ts";
import { isCodecName, type VideoCodec } from "../../wire/video_codec.ts";
import { onlyCodec, withBitrate } from "./publish_sdp.ts";
import { describeLayer, type Layer, layerOf, type PictureSize } from "./video_layer.ts";
import { SfuConnection, type SfuConnectionInit } from "./sfu_connection.ts";

/** The agent's tracks; absent where it publishes none. */
export interface OwnTracks {
  audio?: RtcTrack;
  video?: RtcTrack;
}

/** A published track, as the SFU receives it. */
export type TrackInfoInit = MessageInitShape<typeof TrackInfoSchema>;

/** What {@linkcode Publisher} needs. */
export interface PublisherInit extends SfuConnectionInit {
  publishOptions: readonly PublishOption[];
  videoCodecs: readonly string[];
  /** What the call's settings say about audio. */
  audio: { dtx: boolean; red: boolean };
  pictures: OwnPictures;
}

/** The agent's own pictures. */
export interface OwnPictures {
  /** The size of the last one. */
  size(): PictureSize | undefined;
  /** Sends no more than this from now on. */
  limit(limits: PictureLimits): void;
}

/** One media section: a track in the codec of one of the SFU's options. */
interface Section {
  type: TrackType;
  transceiver: RtcTransceiver;
  option: PublishOption | undefined;
  codec: VideoCodec | undefined;
  track: RtcTrack;
  muted: boolean;
  /** No participant watches it, as the SFU says: it is published and not sent. */
  idle: boolean;
  /** The SFU no longer asks for its codec. */
  obsolete: boolean;
  /** What the SFU wants of its layer, where it has said so. */
  wanted: VideoLayerSetting | undefined;
}

/** Publishes tracks; one call of {@linkcode Publisher.publish} needs at most one negotiation. */
export class Publisher extends SfuConnection {
  readonly #options: PublisherInit;
  readonly #sections: Section[] = [];
  #publishOptions: readonly PublishOption[];
  readonly #clones: RtcTrack[] = [];
  /** The SFU's last answer, without our limits. */
  #answer: string | undefined;
  /** The same with them, as it is in force. */
  #applied: string | undefined;
  /** The size of video that the SFU knows. */
  #declared = "";
  /** Whether there are sections that have not been negotiated. */
  #isPending = false;

  constructor(options: PublisherInit) {
    super(options, { type: PeerType.PUBLISHER, doing: "publishing" });
    this.#options = options;
    this.#publishOptions = options.publishOptions;
  }

  /** Whether anything is published. */
  get isUsed(): boolean {
    return this.#sections.length > 0;
  }

  /** The published tracks, as the SFU receives them when the agent reconnects. */
  get tracks(): TrackInfoInit[] {
    return this.#sections.filter(({ obsolete }) => !obsolete)
      .map((section) => this.#describe(section));
  }

  /**
   * Publishes these tracks, and mutes published tracks that are not among them.
   *
   * @throws {EdgeError} the SFU refuses, or asks for video in codecs that wrtc cannot encode.
   */
  publish(tracks: OwnTracks): Promise<void> {
    return this.tasks.run(async () => {
      if (this.isClosed) return;
      let noCodec: EdgeError | undefined;
      if (tracks.audio) this.#add(TrackType.AUDIO, tracks.audio);
      try {
        if (tracks.video) this.#add(TrackType.VIDEO, tracks.video);
      } catch (error) {
        // Audio is published without the video.
        if (!(error instanceof EdgeError)) throw error;
        noCodec = error;
      }
      // Sections of an earlier negotiation that failed are negotiated, too.
      if (this.#isPending) await this.#negotiate();
      await this.#mute({
        [TrackType.AUDIO]: tracks.audio,
        [TrackType.VIDEO]: tracks.video,
      });
      if (noCodec) throw noCodec;
    });
  }

  /**
   * Publishes what is published in the codecs that the SFU asks for from now on, and no longer in others.
   *
   * @throws {EdgeError} the SFU refuses, or asks for codecs that wrtc cannot encode only.
   */
  setOptions(publishOptions: readonly PublishOption[]): Promise<void> {
    return this.tasks.run(async () => {
      this.#publishOptions = publishOptions;
      if (this.isClosed) return;
      const first = new Map(this.#sections.toReversed().map((one) => [one.type, one]));
      for (const [type, { track }] of first) this.#add(type, track);
      if (this.#isPending) await this.#negotiate();
      for (const section of this.#sections) {
        section.obsolete = !this.#choose(section.type)
          .some(({ option }) => option?.id === section.option?.id);
        await this.#send(section);
      }
    });
  }

  /**
   * Sends video only in the sections of which the SFU wants a layer, with the bitrate, the rate and the
   * size that it wants.
   */
  setQuality(senders: readonly VideoSender[]): Promise<void> {
    return this.tasks.run(async () => {
      if (this.isClosed) return;
      for (const { trackType, publishOptionId, layers } of senders) {
        const section = this.#sections.find(({ type, option }) =>
          type === Number(trackType) && (option?.id ?? 0) === publishOptionId
        );
        if (!section) continue;
        // There is one layer, whatever it is called.
        const active = layers.find((one) => one.active);
        section.idle = active === undefined;
        section.wanted = active ?? section.wanted;
        await this.#send(section);
      }
      this.#limitPictures();
      await this.#limitBitrates();
    });
  }

  /** Declares video anew when its pictures have another size than the SFU knows. */
  redeclare(): Promise<void> {
    return this.tasks.run(async () => {
      const isVideo = this.#sections.some(({ type }) => type === TrackType.VIDEO);
      if (this.isClosed || !isVideo || this.#declared === this.#size) return;
      await this.#negotiate();
    });
  }

  /** Looks for another path through the network and keeps everything else. */
  restartIce(): Promise<void> {
    return this.tasks.run(async () => {
      if (!this.isClosed && this.isUsed) await this.#negotiate({ iceRestart: true });
    });
  }

  /** Stops sending, so that only another connection sends from here on. */
  async silence(): Promise<void> {
    if (this.isClosed) return;
    await Promise.allSettled(
      this.#sections.map(({ transceiver }) => transceiver.sender.replaceTrack(null)),
    );
  }

  override async close(): Promise<void> {
    await super.close();
    for (const clone of this.#clones.splice(0)) clone.stop();
  }

  /** Adds the sections of a track that are missing. */
  #add(type: TrackType, track: RtcTrack): void {
    for (const { option, codec } of this.#choose(type)) {
      const own = this.#sections.filter((section) => section.type === type);
      if (own.some((section) => section.option?.id === option?.id)) continue;
      // The SFU refuses two sections of one track id.
      const sent = own.length === 0 ? track : track.clone();
      if (sent !== track) this.#clones.push(sent);
      const transceiver = this.peer.addTransceiver(sent, "sendonly");
      const muted = own[0]?.muted ?? false;
      this.#sections.push({
        type,
        transceiver,
        option,
        codec,
        track: sent,
        muted,
        idle: false,
        obsolete: false,
        wanted: undefined,
      });
      this.#isPending = true;
    }
  }

  /** Returns a section for each of the SFU's options that wrtc can encode. */
  #choose(type: TrackType): Pick<Section, "option" | "codec">[] {
    const offered = this.#publishOptions.filter((one) => Number(one.trackType) === type);
    if (type === TrackType.AUDIO) return [{ option: offered[0], codec: undefined }];
    const { videoCodecs } = this.#options;
    if (offered.length === 0) {
      return [{ option: undefined, codec: videoCodecs.find(isCodecName) }];
    }
    const usable = offered.flatMap((option) => {
      const name = option.codec?.name.toLowerCase() ?? "";
      return isCodecName(name) && videoCodecs.includes(name) ? [{ option, codec: name }] : [];
    });
    if (usable.length > 0) return usable;
    const names = offered.map(({ codec }) => codec?.name ?? "?").join(", ");
    throw new EdgeError(
      `the call accepts only video codecs ${names}, and videoCodecs allows ${
        videoCodecs.join(", ")
      }`,
      { code: "no-codec" },
    );
  }

  async #negotiate(options: { iceRestart?: boolean } = {}): Promise<void> {
    const { signal, sessionId } = this.#options;
    this.holdCandidates();
    const offer = await this.#offer(options);
    const declared = this.#size;
    this.#answer = await signal.call("SetPublisher", {
      sessionId,
      sdp: offer,
      tracks: this.tracks,
    });
    if (this.isClosed) return;
    await this.#apply(this.#limited(this.#answer));
    this.#declared = declared;
    this.#isPending = false;
    this.#limitPictures();
    this.releaseCandidates();
  }

  async #offer(options: { iceRestart?: boolean }): Promise<string> {
    let offer = await this.peer.createOffer(options);
    for (const { transceiver, codec } of this.#sections) {
      if (codec && transceiver.mid) offer = onlyCodec(offer, transceiver.mid, codec);
    }
    return offer;
  }

  async #apply(answer: string): Promise<void> {
    await this.peer.acceptAnswer(answer);
    this.#applied = answer;
  }

  /** The size of the agent's pictures, as a key. */
  get #size(): string {
    return JSON.stringify(this.#options.pictures.size());
  }

  /** Returns an answer with the bitrates that each section may have at most. */
  #limited(answer: string): string {
    for (const section of this.#sections) {
      const { transceiver: { mid }, type, option, wanted } = section;
      const usual = type === TrackType.VIDEO
        ? this.#layerOf(section).bitrate
        : option?.bitrate ?? 0;
      if (mid) answer = withBitrate(answer, mid, wanted?.maxBitrate || usual);
    }
    return answer;
  }

  /** Applies changed bitrates, of which the SFU has to learn nothing: it is asked for no answer. */
  async #limitBitrates(): Promise<void> {
    if (this.#answer === undefined) return;
    const answer = this.#limited(this.#answer);
    if (answer === this.#applied) return;
    await this.#offer({});
    if (!this.isClosed) await this.#apply(answer);
  }

  /** The pictures are the same in all sections: the one that wants most says what is sent. */
  #limitPictures(): void {
    const sent = this.#sections.filter(({ type, idle, obsolete }) =>
      type === TrackType.VIDEO && !idle && !obsolete
    );
    if (sent.length === 0) return;
    this.#options.pictures.limit({
      fps: Math.max(...sent.map((one) => one.wanted?.maxFramerate || this.#layerOf(one).fps)),
      scaleDownBy: Math.min(...sent.map(({ wanted }) => wanted?.scaleResolutionDownBy || 1)),
    });
  }

  async #mute(wanted: Partial<Record<TrackType, RtcTrack | undefined>>): Promise<void> {
    const changed = this.#sections.filter(({ type, muted }) =>
      muted === (wanted[type] !== undefined)
    );
    if (changed.length === 0) return;
    for (const section of changed) {
      section.muted = !section.muted;
      await this.#send(section);
    }
    const types = new Map(changed.map(({ type, muted }) => [type, muted]));
    try {
      await this.#options.signal.call("UpdateMuteStates", {
        sessionId: this.#options.sessionId,
        muteStates: [...types].map(([type, muted]) => ({ trackType: Number(type), muted })),
      });
    } catch (error) {
      // The SFU has not received it: the next publication sends it again.
      for (const section of changed) section.muted = !section.muted;
      throw error;
    }
  }

  /** Has a section send its track, or nothing. */
  async #send({ transceiver, track, muted, idle, obsolete }: Section): Promise<void> {
    const sent = muted || idle || obsolete ? null : track;
    if (transceiver.sender.track !== sent) await transceiver.sender.replaceTrack(sent);
  }

  #layerOf({ option }: Section): Layer {
    return layerOf(option, this.#options.pictures.size());
  }

  #describe(section: Section): TrackInfoInit {
    const { type, transceiver, option, codec, track, muted } = section;
    const isVideo = type === TrackType.VIDEO;
    const { dtx, red } = this.#options.audio;
    const info: TrackInfoInit = {
      trackId: track.id,
      trackType: Number(type),
      mid: transceiver.mid ?? "",
      muted,
      dtx: !isVideo && dtx,
      stereo: false,
      red: !isVideo && red,
      publishOptionId: option?.id ?? 0,
    };
    if (!isVideo) return info;
    const layer = this.#layerOf(section);
    return {
      ...info,
      codec: option?.codec ?? { name: codec ?? "vp8", clockRate: 90_000 },
      layers: [describeLayer(layer)],
    };
  }
}
