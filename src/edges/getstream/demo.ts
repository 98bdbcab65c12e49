/** The address of Stream's demo page, for a person to join a call with. @module */

/** Who the person is. */
export const DEMO_USER = { id: "user-demo-agent", name: "Human User" } as const;
/** How long the link lets him in. */
export const DEMO_VALIDITY_MS = 3_600_000;

/** The address; whoever has it joins as {@linkcode DEMO_USER}. */
export function demoUrl(
  options: { baseUrl: string; callId: string; apiKey: string; token: string },
): URL {
  const url = new URL(`${options.baseUrl}/join/${encodeURIComponent(options.callId)}`);
  const query = {
    api_key: options.apiKey,
    token: options.token,
    skip_lobby: "true",
    user_name: DEMO_USER.name,
    // The agent's WebRTC has no H264, which the page would use by itself.
    video_encoder: "vp8",
    bitrate: "12000000",
    w: "1920",
    h: "1080",
    channel_type: "messaging",
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
