/** Answers the SFU's offer on its standard input as a subscriber does; prints what came of it. */
import { create } from "@bufbuild/protobuf";
import type { CallMedia } from "../../../src/edges/getstream/child/sfu/media.ts";
import { SubscriberOfferSchema } from "../../../src/edges/getstream/child/proto/signal_pb.ts";
import type { SignalClient } from "../../../src/edges/getstream/child/sfu/signal_client.ts";
import { Subscriber } from "../../../src/edges/getstream/child/sfu/subscriber.ts";
import { Peer, type PeerOptions } from "../../../src/media/webrtc/peer.ts";

const keys: string[] = [];
const errors: string[] = [];
let answer = "";
const subscriber = new Subscriber({
  media: {
    createPeer: (options: PeerOptions) => new Peer(options),
  } as unknown as CallMedia,
  iceServers: [],
  signal: {
    call: (method: string, { sdp }: { sdp: string }) => {
      if (method === "SendAnswer") answer = sdp;
      return Promise.resolve("");
    },
  } as unknown as SignalClient,
  sessionId: "s",
  onState: () => {},
  onError: (error, context) => void errors.push(`${context}: ${error}`),
  onTrack: (key) => void keys.push(key),
});
const sdp = await new Response(Deno.stdin.readable).text();
await subscriber.accept(create(SubscriberOfferSchema, { sdp, negotiationId: 1 }));
// wrtc announces tracks with the next turn.
await new Promise((resolve) => setTimeout(resolve, 0));
console.log(
  JSON.stringify({ keys, errors, answer, media: keys.map((key) => subscriber.track(key)?.kind) }),
);
Deno.exit(0);
