import { UserPacket } from "@livekit/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, ConnectionError, EdgeError } from "../../../../src/edge/errors.ts";
import { OutgoingData } from "../../../../src/edges/livekit/child/call/outgoing_data.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

class Session {
  isClosed = false;
  constructor(readonly name: string, readonly log: string[], readonly fails = false) {}
  sendData(): Promise<void> {
    if (this.fails) this.isClosed = true;
    if (this.isClosed) return Promise.reject(new ClosedError("the session"));
    this.log.push(this.name);
    return Promise.resolve();
  }
}

function fixture() {
  const clock = new VirtualClock();
  const log: string[] = [];
  const leave = new AbortController();
  const done = Promise.withResolvers<void>();
  const state = { session: undefined as Session | undefined, isRunning: false, isAllowed: true };
  const data = new OutgoingData({
    session: () => state.session,
    isAllowed: () => state.isAllowed,
    reconnector: () => ({ isRunning: state.isRunning, idle: () => done.promise }),
    clock,
    signal: leave.signal,
  });
  const send = () => data.send({ case: "user", value: new UserPacket() });
  return { clock, log, leave, done, state, send };
}

Deno.test("OutgoingData waits for the session that replaces one that is over", async () => {
  const { log, done, state, send } = fixture();
  state.session = new Session("first", log);
  state.isRunning = true;
  await send();
  assertEquals(log, ["first"], "a session that is resumed still sends");
  state.session.isClosed = true;
  const sending = send();
  state.session = new Session("second", log);
  done.resolve();
  await sending;
  assertEquals(log, ["first", "second"]);
});

Deno.test("OutgoingData says of what was not sent during a reconnection that it may be sent again", async () => {
  const { clock, log, leave, state, send } = fixture();
  await assertRejects(send, ClosedError);
  state.session = new Session("first", log, true);
  state.isRunning = true;
  const cut = await assertRejects(send, ConnectionError, "lost while");
  const late = assertRejects(send, ConnectionError, "within 10000 ms");
  await clock.advance(10_000);
  assertEquals([cut.code, cut.retryable, (await late).retryable], ["reconnecting", true, true]);
  const left = assertRejects(send, ClosedError);
  leave.abort(new ClosedError("the call"));
  await left;
  assertEquals(clock.pending, 0);
});

Deno.test("OutgoingData sends nothing without the right to, which servers would drop", async () => {
  const { log, state, send } = fixture();
  state.session = new Session("first", log);
  state.isAllowed = false;
  const { code } = await assertRejects(send, EdgeError, "canPublishData");
  assertEquals([code, log], ["forbidden", []]);
});

Deno.test("OutgoingData says that a call is closed which is not reconnected", async () => {
  const { log, leave, state, send } = fixture();
  state.session = new Session("first", log);
  state.session.isClosed = true;
  leave.abort(new ClosedError("the call"));
  await assertRejects(send, ClosedError);
});
