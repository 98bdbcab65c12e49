/**
 * The connection that carries the agent's audio and video to the SFU.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RtcTrack, RtcTransceiver } from "@ringline/edge/media/child";
import { EdgeError, TrackType } from "@ringline/edge/toolkit";
import { PeerType, type PublishOption, type TrackInfoSchema } from "../proto/signal_pb.ts";
import { isCodecName, type VideoCodec } from "../../wire/video_codec.ts";
import { onlyCodec, withBitrate } from "./publish_sdp.ts";
import { SfuConnection, type SfuConnectionOptions } from "./sfu_connection.ts";

/** How video is published when the SFU does not specify it. */
const DEFAULT_VIDEO = { width: 1280, height: 720, bitrate: 1_500_000, fps: 30 };
const HIGH_QUALITY = 2;

/** The agent's tracks; absent where it publishes none. */
export interface OwnTracks {
  audio?: RtcTrack;
  video?: RtcTrack;
}

/** A published track, as the SFU receives it. */
export type TrackInfoInit = MessageInitShape<typeof TrackInfoSchema>;

/** Options for {@linkcode Publisher}. */
export interface PublisherOptions extends SfuConnectionOptions {
  publishOptions: readonly PublishOption[];
  videoCodecs: readonly string[];
}

interface Section {
  type: TrackType;
  transceiver: RtcTransceiver;
  option: PublishOption | undefined;
  codec: VideoCodec | undefined;
  track: RtcTrack;
  muted: boolean;
}

/** Publishes tracks; one call of {@linkcode Publisher.publish} needs at most one negotiation. */
export class Publisher extends SfuConnection {
  readonly #options: PublisherOptions;
  readonly #sections: Section[] = [];
  /** Whether there are sections that have not been negotiated. */
  #isPending = false;

  constructor(options: PublisherOptions) {
    super(options, { type: PeerType.PUBLISHER, doing: "publishing" });
    this.#options = options;
  }

  /** Whether anything is published. */
  get isUsed(): boolean {
    return this.#sections.length > 0;
  }

  /** The published tracks, as the SFU receives them when the agent reconnects. */
  get tracks(): TrackInfoInit[] {
    return this.#sections.map((section) => this.#describe(section));
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

  #add(type: TrackType, track: RtcTrack): void {
    if (this.#sections.some((section) => section.type === type)) return;
    for (const { option, codec } of this.#choose(type)) {
      const transceiver = this.peer.addTransceiver(track, "sendonly");
      this.#sections.push({ type, transceiver, option, codec, track, muted: false });
      this.#isPending = true;
    }
  }

  /** Returns a section for each of the SFU's options that wrtc can encode. */
  #choose(type: TrackType): Pick<Section, "option" | "codec">[] {
    const offered = this.#options.publishOptions.filter((one) => Number(one.trackType) === type);
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
    let offer = await this.peer.createOffer(options);
    for (const { transceiver, codec } of this.#sections) {
      if (codec && transceiver.mid) offer = onlyCodec(offer, transceiver.mid, codec);
    }
    let answer = await signal.call("SetPublisher", {
      sessionId,
      sdp: offer,
      tracks: this.tracks,
    });
    for (const { transceiver, option, type } of this.#sections) {
      const bitrate = option?.bitrate ?? (type === TrackType.VIDEO ? DEFAULT_VIDEO.bitrate : 0);
      if (transceiver.mid) answer = withBitrate(answer, transceiver.mid, bitrate);
    }
    if (this.isClosed) return;
    await this.peer.acceptAnswer(answer);
    this.#isPending = false;
    this.releaseCandidates();
  }

  async #mute(wanted: Partial<Record<TrackType, RtcTrack | undefined>>): Promise<void> {
    const changed = this.#sections.filter(({ type, muted }) =>
      muted === (wanted[type] !== undefined)
    );
    if (changed.length === 0) return;
    for (const section of changed) {
      section.muted = !section.muted;
      await section.transceiver.sender.replaceTrack(section.muted ? null : section.track);
    }
    try {
      await this.#options.signal.call("UpdateMuteStates", {
        sessionId: this.#options.sessionId,
        muteStates: changed.map(({ type, muted }) => ({ trackType: Number(type), muted })),
      });
    } catch (error) {
      // The SFU has not received it: the next publication sends it again.
      for (const section of changed) section.muted = !section.muted;
      throw error;
    }
  }

  #describe({ type, transceiver, option, codec, track, muted }: Section): TrackInfoInit {
    const info: TrackInfoInit = {
      trackId: track.id,
      trackType: Number(type),
      mid: transceiver.mid ?? "",
      muted,
      dtx: type === TrackType.AUDIO,
      stereo: false,
      red: false,
      publishOptionId: option?.id ?? 0,
    };
    if (type !== TrackType.VIDEO) return info;
    const { width, height } = option?.videoDimension ?? DEFAULT_VIDEO;
    return {
      ...info,
      dtx: false,
      codec: option?.codec ?? { name: codec ?? "vp8", clockRate: 90_000 },
      layers: [{
        rid: "q",
        videoDimension: { width, height },
        bitrate: option?.bitrate || DEFAULT_VIDEO.bitrate,
        fps: option?.fps || DEFAULT_VIDEO.fps,
        quality: HIGH_QUALITY,
      }],
    };
  }
}
