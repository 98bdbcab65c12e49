import { assertEquals, assertThrows } from "@std/assert";
import { RpcError } from "../../../src/edges/livekit/rpc/rpc_error.ts";
import { RpcMethods } from "../../../src/edges/livekit/rpc/rpc_methods.ts";

const participant = {
  id: "PA",
  userId: "anna",
  name: "Anna",
  kind: "person",
  original: null,
} as const;

Deno.test("RpcMethods runs a method until it is disposed, and one of each name", async () => {
  const methods = new RpcMethods(() => {});
  const call = { method: "wave", payload: "hi", timeoutMs: 1000 };
  const method = methods.register(
    "wave",
    ({ payload, participant: { name } }) => `${payload} ${name}`,
  );
  assertEquals(await methods.run(participant, call), { payload: "hi Anna" });
  assertThrows(() => methods.register("wave", () => ""), TypeError, "already");
  assertThrows(() => methods.register("", () => ""), TypeError, "name");
  method[Symbol.dispose]();
  assertEquals((await methods.run(participant, call)).failure?.code, 1400);
});

Deno.test("RpcMethods passes an RpcError on, and of another error only that there was one", async () => {
  const errors: unknown[] = [];
  const methods = new RpcMethods((error) => void errors.push(error));
  const run = async (method: string) => {
    const { failure } = await methods.run(participant, { method, payload: "", timeoutMs: 1000 });
    return [failure?.code, failure?.message, failure?.data];
  };
  methods.register("busy", () => {
    throw new RpcError("try later", { rpcCode: 2, data: "60" });
  });
  methods.register("broken", () => Promise.reject(new Error("the secret is 7")));
  methods.register("number", () => 7 as unknown as string);
  methods.register("long", () => "x".repeat(15_361));
  assertEquals(await run("busy"), [2, "try later", "60"]);
  assertEquals(errors.length, 0);
  assertEquals(await run("broken"), [1500, "the method failed", undefined]);
  assertEquals(await run("number"), [1500, "the method failed", undefined]);
  assertEquals((await run("long"))[0], 1504);
  assertEquals(errors.map(String), [
    "Error: the secret is 7",
    "TypeError: the method number: expected a text, got number",
  ]);
});
