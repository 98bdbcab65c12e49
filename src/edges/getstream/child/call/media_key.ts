/**
 * Stream's names for media: the id of a track's stream is
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

/** Returns the key of a participant's track. */
export function mediaKey(prefix: string, type: TrackType): string {
  return `${prefix}:TRACK_TYPE_${NAMES[type]}`;
}

/**
 * Returns the key in the id of a track's stream: its first two parts. A third part, where there is
 * one, changes with every publication.
 */
export function mediaKeyOfStream(streamId: string): string {
  return streamId.split(":", 2).join(":");
}

/** Returns the id of a track within a connection; it stays the same through reconnections. */
export function trackId(sessionId: string, type: TrackType): string {
  return `${sessionId}:${NAMES[type].toLowerCase()}`;
}

/** Whether a track is audio. */
export function isAudio(type: TrackType): boolean {
  return type === TrackType.AUDIO || type === TrackType.SCREEN_SHARE_AUDIO;
}

/** Whether a track is of a shared screen. */
export function isScreen(type: TrackType): boolean {
  return type === TrackType.SCREEN_SHARE || type === TrackType.SCREEN_SHARE_AUDIO;
}

/** Whether this is a type of track that a participant can publish. */
export function isTrackType(type: number): type is TrackType {
  return type >= TrackType.AUDIO && type <= TrackType.SCREEN_SHARE_AUDIO;
}
