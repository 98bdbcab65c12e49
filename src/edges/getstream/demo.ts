/** The address of Stream's demo page, where a person joins a call. @module */

/** The user that the person joins as. */
export const DEMO_USER = { id: "user-demo-agent", name: "Human User" } as const;
/** For how long the link is valid. */
export const DEMO_VALIDITY_MS = 3_600_000;

/** Returns the address; who opens it joins as {@linkcode DEMO_USER}. */
export function demoUrl(
  options: { baseUrl: string; callId: string; apiKey: string; token: string },
): URL {
  const url = new URL(`${options.baseUrl}/join/${encodeURIComponent(options.callId)}`);
  const query = {
    api_key: options.apiKey,
    token: options.token,
    skip_lobby: "true",
    user_name: DEMO_USER.name,
    // The page would use H264 by default, which wrtc does not have.
    video_encoder: "vp8",
    bitrate: "12000000",
    w: "1920",
    h: "1080",
    channel_type: "messaging",
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
