/** The service's description of a call, complete: Stream's own types check it. @module */
import type { CallResponse, CallSettingsResponse, UserResponse } from "@stream-io/node-sdk";
import type { Body } from "./body.ts";

/** A type as it travels in JSON. */
type Json<T> = T extends Date ? string
  : T extends object ? { [Name in keyof T]: Json<T[Name]> }
  : T;

/** A call of the double. */
export interface DoubleCall {
  createdBy: string;
  ended: boolean;
  custom: Body;
  /** Changes to the settings, by their names. */
  settings: Body;
  backstage: boolean;
  members: { user_id: string; role?: string }[];
}

const SINCE = "2026-01-01T00:00:00.000Z";

const LAYOUT = { external_app_url: "", external_css_url: "", name: "grid" } as const;

const SETTINGS: Json<CallSettingsResponse> = {
  audio: {
    access_request_enabled: true,
    default_device: "speaker",
    hifi_audio_enabled: false,
    // Each test switches on what it needs.
    mic_default_on: false,
    opus_dtx_enabled: true,
    redundant_coding_enabled: false,
    speaker_default_on: true,
  },
  backstage: { enabled: false },
  broadcasting: {
    enabled: false,
    hls: { auto_on: false, enabled: false, quality_tracks: [], layout: LAYOUT },
    rtmp: { enabled: false, quality: "720p", layout: LAYOUT },
  },
  encryption: { mode: "disabled" },
  frame_recording: { capture_interval_in_seconds: 10, mode: "disabled" },
  geofencing: { names: [] },
  individual_recording: { mode: "disabled" },
  limits: { max_participants_exclude_roles: [] },
  raw_recording: { mode: "disabled" },
  recording: { audio_only: false, mode: "disabled", quality: "720p", layout: LAYOUT },
  ring: {
    auto_cancel_timeout_ms: 15_000,
    incoming_call_timeout_ms: 15_000,
    missed_call_timeout_ms: 0,
  },
  screensharing: { access_request_enabled: true, enabled: true },
  session: { inactivity_timeout_seconds: 60 },
  thumbnails: { enabled: false },
  transcription: { closed_caption_mode: "disabled", language: "auto", mode: "disabled" },
  video: {
    access_request_enabled: true,
    camera_default_on: false,
    camera_facing: "front",
    enabled: true,
    target_resolution: { bitrate: 500_000, height: 360, width: 640 },
  },
};

/** Returns a user as the service describes them. */
export function describeUser(user: Body): Json<UserResponse> {
  return {
    banned: false,
    shadow_banned: false,
    blocked_user_ids: [],
    created_at: SINCE,
    updated_at: SINCE,
    language: "",
    online: true,
    role: "user",
    teams: [],
    invisible: false,
    custom: {},
    ...user,
    id: user.id,
  };
}

/** Returns a call as the service describes it. */
export function describeCall(cid: string, call: DoubleCall, creator: Body): Json<CallResponse> {
  const [type, id] = cid.split(":") as [string, string];
  const settings = { ...SETTINGS } as Record<string, Body>;
  for (const [name, changes] of Object.entries(call.settings)) {
    settings[name] = { ...settings[name], ...changes as Body };
  }
  return {
    backstage: call.backstage,
    captioning: false,
    cid,
    created_at: SINCE,
    current_session_id: "session",
    id,
    recording: false,
    transcribing: false,
    translating: false,
    type,
    updated_at: SINCE,
    blocked_user_ids: [],
    created_by: describeUser(creator),
    custom: call.custom,
    egress: { broadcasting: false, rtmps: [] },
    ingress: {
      rtmp: { address: "" },
      srt: { address: "" },
      whip: { address: "" },
    },
    settings: settings as unknown as Json<CallSettingsResponse>,
    ...(call.ended ? { ended_at: SINCE } : {}),
  };
}

/** Returns the member of a call, as the service describes them. */
export function describeMember(member: { user_id: string; role?: string }, user: Body) {
  return {
    user_id: member.user_id,
    ...(member.role ? { role: member.role } : {}),
    created_at: SINCE,
    updated_at: SINCE,
    custom: {},
    user: describeUser(user),
  };
}

/** What a user may do, unless a test says otherwise. */
export const CAPABILITIES = [
  "join-call",
  "read-call",
  "send-audio",
  "send-video",
  "screenshare",
  "create-reaction",
];
