import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../../src/edge/errors.ts";
import {
  MediaPath,
  type PathSession,
} from "../../../../src/edges/livekit/child/call/media_path.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

function fixture() {
  const clock = new VirtualClock();
  const lost: string[] = [];
  const state = { isReconnecting: false, receivedBytes: 0 };
  const path = new MediaPath({
    clock,
    isReconnecting: () => state.isReconnecting,
    onLost: (reason) => void lost.push(reason),
  });
  const session = (peerState: PathSession["peerState"]): PathSession => ({
    peerState,
    stats: () =>
      Promise.resolve([
        { type: "candidate-pair", bytesReceived: state.receivedBytes },
        { type: "inbound-rtp", bytesReceived: 1e6 },
      ]),
  });
  return { clock, lost, state, path, session };
}

Deno.test("MediaPath asks for another path when the connection is cut for three seconds", async () => {
  const { clock, lost, path } = fixture();
  path.onState("disconnected");
  await clock.advance(2999);
  path.onState("connected");
  await clock.advance(5000);
  assertEquals(lost, [], "it has mended by itself");
  path.onState("disconnected");
  await clock.advance(3000);
  path.onState("failed");
  assertEquals(lost, ["the connection is cut", "the connection failed"]);
});

Deno.test("MediaPath leaves a path to the reconnection in progress", async () => {
  const { clock, lost, state, path } = fixture();
  path.onState("disconnected");
  state.isReconnecting = true;
  path.onState("failed");
  await clock.advance(5000);
  assertEquals([lost, clock.pending], [[], 0]);
});

Deno.test("MediaPath.connected waits for a path, for ten seconds", async () => {
  const { clock, path, session } = fixture();
  const { signal } = new AbortController();
  await path.connected(session("connected"), signal);
  const waiting = path.connected(session("connecting"), signal);
  path.onState("connected");
  await waiting;
  path.reset();
  const failing = path.connected(session("connecting"), signal);
  const error = await assertRejects(() => clock.until(failing, 10_001), ConnectionError);
  assertEquals([error.code, error.retryable, clock.now()], ["no-path", true, 10_000]);
});

Deno.test("MediaPath.carriesMedia says whether more has arrived since it was asked last", async () => {
  const { state, path, session } = fixture();
  state.receivedBytes = 10;
  const answers = [await path.carriesMedia(session("connected"))];
  answers.push(await path.carriesMedia(session("connected")));
  state.receivedBytes = 20;
  answers.push(await path.carriesMedia(session("failed")));
  answers.push(await path.carriesMedia(undefined));
  answers.push(await path.carriesMedia(session("connected")));
  assertEquals(answers, [true, false, false, false, true]);
});
