/**
 * A worker for Stream's webhooks that shares its jobs with others: its agents greet, converse, and take
 * orders. For a program of its own.
 */
import { createClient } from "npm:@redis/client@6.3.1";
import {
  Agent,
  type ConversationHistory,
  defineTool,
  silentLogger,
  systemClock,
} from "@ringline/edge";
import { sharedJobs } from "@ringline/edge/leases";
import { AgentJoinedEvent, type Job, serve, WebhookJobs } from "@ringline/edge/serve";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { GetStreamEdge } from "@ringline/getstream";
import { RedisJobStore } from "@ringline/redis";

const { name, redis: url, calls, ...service } = JSON.parse(Deno.args[0]!);
const edge = new GetStreamEdge({ ...service, logger: silentLogger });
const store = new RedisJobStore({ url, pool: "cooks" });
const redis = await createClient({ url }).connect();
const webhooks = new WebhookJobs({ read: (request) => edge.readWebhook(request) });

/** As docs/production.md shows it. */
function historyOf({ id, callId, attempt }: Job): ConversationHistory {
  const key = `history:${id}`;
  return {
    async load() {
      const kept = await redis.hGetAll(key);
      const latest = Math.max(0, ...Object.keys(kept).map(Number));
      return latest > 0 ? JSON.parse(kept[latest]!) : undefined;
    },
    async save(messages) {
      await redis.multi().hSet(key, attempt, JSON.stringify(messages)).expire(key, 86_400).exec();
      console.log(`kept ${callId} ${messages.at(-1)?.text}`);
    },
  };
}

/** Orders a dish the first time it is asked, and then tells how much it knows. */
function cook(callId: string): FakeLLM {
  return new FakeLLM(systemClock, [({ messages }) => {
    console.log(`asked ${callId} ${messages.filter(({ role }) => role === "user").length}`);
    if (messages.some(({ role }) => role === "tool")) return "It is on its way.";
    return { text: "", calls: [{ name: "order", input: {} }] };
  }]);
}

const worker = await serve({
  sources: [sharedJobs(webhooks, { store, edge, calls, workerId: name })],
  agent: (job) =>
    new Agent({
      edge,
      agentUser: { id: "bot", name },
      history: historyOf(job),
      vad: new FakeVAD(),
      stt: new FakeSTT(systemClock, Array(9).fill("Soup, please, and bread.")),
      llm: cook(job.callId),
      tts: new FakeTTS(systemClock),
      tools: [defineTool({
        name: "order",
        description: "Orders a dish",
        execute: () => {
          console.log(`ordered ${job.callId}`);
          return "ordered";
        },
      })],
      onEnter: async (agent) => {
        if (job.attempt > 1) return;
        console.log(`greets ${job.callId}`);
        await agent.say("Welcome to the kitchen.");
      },
    }),
  // The machine of a test may be busy with others.
  measure: () => ({ cpu: undefined, memory: undefined }),
  logger: silentLogger,
});
worker.events.subscribe(AgentJoinedEvent, ({ job }) => {
  console.log(`joined ${job.callId} ${job.attempt}`);
});
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, webhooks.fetch);
console.log(`port ${server.addr.port}`);
console.log("ready");
// The end of its input is its order to stop.
for await (const _ of Deno.stdin.readable);
await server.shutdown();
await worker.close();
redis.destroy();
await store.close();
await edge.close();
