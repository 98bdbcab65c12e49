import { type DataPacket, RpcAck, RpcError, RpcRequest, RpcResponse } from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { MethodCalls } from "../../../../src/edges/livekit/child/call/method_calls.ts";
import type { MethodOutcome } from "../../../../src/edges/livekit/wire/ipc.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

type Value = DataPacket["value"];

function fixture() {
  const clock = new VirtualClock();
  const sent: { value: Value; to: string }[] = [];
  const emitted: unknown[] = [];
  const state = { fails: false };
  const calls = new MethodCalls({
    clock,
    send: (value, to) => {
      sent.push({ value, to });
      return state.fails ? Promise.reject(new Error("no channel")) : Promise.resolve();
    },
    emit: (message) => void emitted.push(message),
  });
  const take = () => sent.splice(0).map(({ value, to }) => `${value.case} to ${to}`);
  const requestId = () => (sent.at(-1)!.value.value as RpcRequest).id;
  const respond = (value: RpcResponse["value"], from = "anna") =>
    calls.receive(
      { case: "rpcResponse", value: new RpcResponse({ requestId: requestId(), value }) },
      from,
      "PA",
    );
  const confirm = (from = "anna") =>
    calls.receive({ case: "rpcAck", value: new RpcAck({ requestId: requestId() }) }, from, "PA");
  return { clock, calls, sent, emitted, state, take, respond, confirm };
}

const wave = { method: "wave", payload: "hi", timeoutMs: 10_000 };
const failureOf = async (outcome: Promise<MethodOutcome>) => (await outcome).failure?.code;
const request = (init: Partial<RpcRequest>): Value => ({
  case: "rpcRequest",
  value: new RpcRequest({ id: "r1", method: "wave", payload: "hi", version: 1, ...init }),
});

Deno.test("MethodCalls confirms a call, passes it on, and sends its response once", async () => {
  const { calls, take, sent, emitted } = fixture();
  calls.receive(request({ responseTimeoutMs: 5000 }), "anna", "PA_anna");
  calls.receive(request({}), "anna", "PA_anna");
  assertEquals(take(), ["rpcAck to anna"]);
  const call = { method: "wave", payload: "hi", timeoutMs: 5000 };
  assertEquals(emitted, [
    { type: "methodCalled", requestId: "r1", participantId: "PA_anna", call },
  ]);
  await calls.respond("r1", { failure: { code: 7, message: "no", data: "why" } });
  const { value } = sent[0]!.value.value as RpcResponse;
  assertEquals([value.case, (value.value as RpcError).data], ["error", "why"]);
  assertEquals(take(), ["rpcResponse to anna"]);
  await calls.respond("r1", { payload: "late" });
  assertEquals(take(), []);
});

Deno.test("MethodCalls refuses callers whom the agent does not know, and later versions", () => {
  const { calls, sent, emitted } = fixture();
  calls.receive(request({}), "a stranger", undefined);
  calls.receive(request({ id: "r2", version: 2 }), "anna", "PA_anna");
  const codes = sent.flatMap(({ value }) =>
    value.case === "rpcResponse" ? [(value.value.value.value as RpcError).code] : []
  );
  assertEquals([codes, emitted], [[1500, 1404], []]);
});

Deno.test("MethodCalls returns a participant's response, of them alone", async () => {
  const { calls, sent, respond, confirm } = fixture();
  const calling = calls.call("anna", wave);
  const { method, payload, responseTimeoutMs, version } = sent[0]!.value.value as RpcRequest;
  assertEquals([method, payload, responseTimeoutMs, version], ["wave", "hi", 10_000, 1]);
  confirm();
  respond({ case: "payload", value: "of another" }, "bert");
  respond({ case: "payload", value: "hello" });
  assertEquals(await calling, { payload: "hello" });
  const failing = calls.call("anna", wave);
  const error = new RpcError({ code: 1400, message: "none", data: "" });
  respond({ case: "error", value: error });
  assertEquals(await failing, { failure: { code: 1400, message: "none" } });
});

Deno.test("MethodCalls fails where a call is not confirmed, takes too long or cannot be sent", async () => {
  const { clock, calls, state, confirm } = fixture();
  const unconfirmed = failureOf(calls.call("anna", wave));
  await clock.advance(7000);
  assertEquals(await unconfirmed, 1501);
  const slow = failureOf(calls.call("anna", wave));
  confirm();
  await clock.advance(10_000);
  assertEquals(await slow, 1502);
  const left = failureOf(calls.call("anna", wave));
  calls.left("bert");
  calls.left("anna");
  assertEquals(await left, 1503);
  const closed = failureOf(calls.call("anna", wave));
  calls.close();
  assertEquals(await closed, 1503);
  state.fails = true;
  assertEquals(await failureOf(calls.call("anna", wave)), 1505);
});

Deno.test("MethodCalls refuses the calls of those who have too many, and forgets no other's", async () => {
  const { calls, emitted, sent, take } = fixture();
  calls.receive(request({ id: "of bert" }), "bert", "PA_bert");
  for (let n = 0; n < 300; n++) calls.receive(request({ id: `${n}` }), "anna", "PA_anna");
  assertEquals(emitted.length, 33);
  const refusal = sent.findLast(({ value }) => value.case === "rpcResponse")!.value.value;
  const { message } = (refusal as RpcResponse).value.value as RpcError;
  assertEquals(message, "32 calls are unanswered: wait for responses first");
  take();
  await calls.respond("of bert", { payload: "hello" });
  await calls.respond("0", { payload: "hello" });
  assertEquals(take(), ["rpcResponse to bert", "rpcResponse to anna"]);
  calls.receive(request({ id: "later" }), "anna", "PA_anna");
  assertEquals(emitted.length, 34);
  calls.left("anna");
  await calls.respond("1", { payload: "late" });
  assertEquals(take(), ["rpcAck to anna"]);
});
