import { fromBinary } from "@bufbuild/protobuf";
import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../../src/edge/errors.ts";
import { SfuRequestSchema } from "../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { SfuSocket } from "../../../../src/edges/getstream/child/sfu/sfu_socket.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import { RawSocket } from "../../../fixtures/raw_socket.ts";

Deno.test("SfuSocket sends nothing but the join before the SFU has responded to it", async () => {
  const clock = new VirtualClock();
  const raw = new RawSocket();
  const joining = SfuSocket.join({
    url: "wss://sfu.example",
    join: { sessionId: "one" },
    onEvent: () => {},
    onEnd: () => {},
    onGarbage: () => {},
    silenceMs: 1200,
    clock,
    connect: () => raw,
  });
  joining.catch(() => {});
  // Open so late that health checks are due before the time limit of the join.
  await clock.advance(100);
  raw.open();
  const error = await assertRejects(() => clock.until(joining), ConnectionError);
  assertEquals([error.code, error.retryable], ["lost", true]);
  const sent = raw.sent.map((data) =>
    fromBinary(SfuRequestSchema, data as Uint8Array).payload.case
  );
  assertEquals(sent, ["joinRequest"]);
});
