/**
 * How Stream names media: the id of a track's stream is
 * `<lookup prefix>:TRACK_TYPE_AUDIO:<two letters>`, of which the first two parts are the key.
 *
 * @module
 */
import { TrackType } from "@ringline/edge/toolkit";

const NAMES: Record<TrackType, string> = {
  [TrackType.UNSPECIFIED]: "UNSPECIFIED",
  [TrackType.AUDIO]: "AUDIO",
  [TrackType.VIDEO]: "VIDEO",
  [TrackType.SCREEN_SHARE]: "SCREEN_SHARE",
  [TrackType.SCREEN_SHARE_AUDIO]: "SCREEN_SHARE_AUDIO",
};

/** The key of a participant's track. */
export function mediaKey(prefix: string, type: TrackType): string {
  return `${prefix}:TRACK_TYPE_${NAMES[type]}`;
}

/**
 * The key in the id of the stream that a track came with. What follows the first two parts changes
 * with every publication and is left out; there need not be anything.
 */
export function mediaKeyOfStream(streamId: string): string {
  return streamId.split(":", 2).join(":");
}

/** The id of a track within a connection; it stays the same through reconnections. */
export function trackId(sessionId: string, type: TrackType): string {
  return `${sessionId}:${NAMES[type].toLowerCase()}`;
}

/** Whether a track is heard. */
export function isAudio(type: TrackType): boolean {
  return type === TrackType.AUDIO || type === TrackType.SCREEN_SHARE_AUDIO;
}

/** Whether this is a track that somebody can publish. */
export function isTrackType(type: number): type is TrackType {
  return type >= TrackType.AUDIO && type <= TrackType.SCREEN_SHARE_AUDIO;
}
