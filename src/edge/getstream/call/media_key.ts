/**
 * How Stream names media: the stream of a track is called `<lookup prefix>:TRACK_TYPE_AUDIO`.
 *
 * @module
 */
import { TrackType } from "../../types.ts";

const NAMES: Record<TrackType, string> = {
  [TrackType.UNSPECIFIED]: "UNSPECIFIED",
  [TrackType.AUDIO]: "AUDIO",
  [TrackType.VIDEO]: "VIDEO",
  [TrackType.SCREEN_SHARE]: "SCREEN_SHARE",
  [TrackType.SCREEN_SHARE_AUDIO]: "SCREEN_SHARE_AUDIO",
};

/** The name of a participant's track on the wire. */
export function mediaKey(prefix: string, type: TrackType): string {
  return `${prefix}:TRACK_TYPE_${NAMES[type]}`;
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
