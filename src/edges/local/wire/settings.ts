/**
 * The settings of a LocalEdge as they cross from the agent's program to the media process.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "../../../edge/types.ts";
import { iceServer } from "./ice_servers.ts";
import { localLimits } from "./limits.ts";

/** Both ends are this package in one version: the agent's program checks values, this checks shapes. */
const localSettings = v.object({
  host: v.string(),
  port: v.number(),
  announcedAddress: v.optional(v.string()),
  iceServers: v.array(iceServer),
  udpPortRange: v.optional(v.object({ min: v.number(), max: v.number() })),
  tls: v.optional(v.object({ cert: v.string(), key: v.string() })),
  origins: v.array(v.string()),
  proxies: v.array(v.string()),
  limits: localLimits,
  /** Whether an application's own server stands before this one, which listens on the loopback then. */
  mounted: v.boolean(),
  /** Signs links and invitations. */
  secret: v.string(),
  /** The ids of invitations that admit no longer. */
  revoked: v.array(v.string()),
  /** Users whose messages ended a media process twice, and in which call. */
  refused: v.array(v.object({ callType: v.string(), callId: v.string(), userId: v.string() })),
  /** Each call has a process of its own: the one of the start page opens none. */
  isolated: v.boolean(),
});

/** The settings, checked and complete. */
export type LocalSettings = v.InferOutput<typeof localSettings>;

/** The settings that a participant's peer connection uses. */
export type RtcSettings = Pick<
  LocalSettings,
  "host" | "announcedAddress" | "iceServers" | "udpPortRange"
>;

/** Writes settings as JSON. */
export function settingsToJson(settings: LocalSettings): { [key: string]: JsonValue } {
  return JSON.parse(JSON.stringify(settings));
}

/** Reads what {@linkcode settingsToJson} wrote; throws when its shape is another. */
export function settingsFromJson(data: JsonValue): LocalSettings {
  return v.parse(localSettings, data);
}
