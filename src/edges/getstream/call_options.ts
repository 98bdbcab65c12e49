/** What a call of Stream's can be created with. @module */
import type { CallSettingsRequest, GetOrCreateCallRequest } from "@stream-io/node-sdk";
import type { CreateCallOptions, JsonValue } from "@ringline/edge/toolkit";

/**
 * The settings of a call, by the types of Stream's own SDK.
 *
 * @ignore
 */
export type StreamCallSettings = CallSettingsRequest;

/** Options for {@linkcode GetStreamEdge.createCall}; all but `callType` matter to a new call only. */
export interface GetStreamCallOptions extends CreateCallOptions {
  /** The members, with their roles in the call. */
  members?: readonly { userId: string; role?: string; custom?: Record<string, JsonValue> }[];
  /** Data of the application's own. */
  custom?: Record<string, JsonValue>;
  /** Changes to the settings of the call's type, as Stream names them, e.g. `{ backstage: { enabled: true } }`. */
  settingsOverride?: StreamCallSettings;
  /** Whether the members' devices ring. Default `false`. */
  ring?: boolean;
  /** Whether the members are notified. Default `false`. */
  notify?: boolean;
  /** When the call starts; with backstage. */
  startsAt?: Date;
  /** The team that the call belongs to. */
  team?: string;
}

/** The names of {@linkcode GetStreamCallOptions}. */
export const CALL_OPTIONS: Readonly<Record<keyof GetStreamCallOptions, true>> = {
  callType: true,
  createdBy: true,
  signal: true,
  members: true,
  custom: true,
  settingsOverride: true,
  ring: true,
  notify: true,
  startsAt: true,
  team: true,
};

/** Returns Stream's request for a call. */
export function toRequest(
  options: GetStreamCallOptions,
  createdBy: string,
): GetOrCreateCallRequest {
  const { members, custom, settingsOverride, ring, notify, startsAt, team } = options;
  return {
    ...(ring === undefined ? {} : { ring }),
    ...(notify === undefined ? {} : { notify }),
    data: {
      created_by_id: createdBy,
      ...(members
        ? { members: members.map(({ userId, ...rest }) => ({ user_id: userId, ...rest })) }
        : {}),
      ...(custom ? { custom } : {}),
      ...(settingsOverride ? { settings_override: settingsOverride } : {}),
      ...(startsAt ? { starts_at: startsAt } : {}),
      ...(team === undefined ? {} : { team }),
    },
  };
}
