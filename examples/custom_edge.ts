// deno run examples/custom_edge.ts        (needs no permission)
/** The smallest complete edge, in six steps, and an echo that uses it. */
import * as ringline from "@ringline/edge";
import { Agent, Call, Connection, EdgeTransport, PacedPlayout, PcmChunk } from "@ringline/edge";
import { type Message, type Seat, ToyService } from "./lib/toy_service.ts";

export class CustomEdge extends EdgeTransport {
  #token = "";

  constructor(readonly service: ToyService, options?: ringline.EdgeOptions) {
    super(options);
  }

  // Step 1: authenticate with your service, and keep its token.
  override async authenticate(user: ringline.User): Promise<void> {
    this.#token = await Promise.resolve(`token of ${user.id}`);
  }

  // Step 2: create the call, or return the one that exists.
  override async createCall(id: string, options?: ringline.CreateCallOptions): Promise<Call> {
    options?.signal?.throwIfAborted();
    await Promise.resolve(this.service.create(id));
    return new Call({ id, type: options?.callType, original: this.#token });
  }

  // Step 3: join it. A join that fails or is aborted leaves nothing open.
  override async join(agent: ringline.EdgeAgent, call: Call, options?: ringline.JoinOptions) {
    const connection = new CustomConnection(this, agent, call);
    try {
      await Promise.resolve(); // for the request to your service
      options?.signal?.throwIfAborted();
      connection.enter();
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

class CustomConnection extends Connection {
  readonly #seat: Seat;
  #playout: PacedPlayout | undefined;

  constructor(override readonly edge: CustomEdge, agent: ringline.EdgeAgent, call: Call) {
    super({ edge, agent, call });
    const { id: userId, name } = agent.user;
    const who = { id: crypto.randomUUID(), userId, name, kind: "agent", original: null } as const;
    this.#seat = { who, take: (message) => this.#take(message) };
  }

  enter(): void {
    this.edge.service.enter(this.call.id, this.#seat);
    this.established();
  }

  // Step 4: report what happens. The base class keeps the state and emits the events.
  #take(message: Message): void {
    if (message.type === "ended") return this.ended("call-ended");
    const { id, kind } = message.who;
    const trackId = `${id}/microphone`;
    if (message.type === "joined") {
      const { muted } = message;
      this.participantJoined(message.who);
      this.trackAdded({ id: trackId, type: ringline.TrackType.AUDIO, participantId: id, muted });
    } else if (message.type === "left") this.participantLeft(id);
    else if (message.type === "muted") this.trackUpdated(trackId, message);
    else if (message.type === "data") this.customEventReceived(JSON.parse(message.text), id);
    else if (kind === "person" || this.agent.audioSubscription.agents) {
      this.receiveAudio(id, message.pcm, { trackId });
    }
  }

  // Step 5: publish the agent's audio, here 10 ms at a time, and its custom events.
  override publishTracks({ audio }: ringline.PublishedTracks): Promise<void> {
    this.#playout ??= audio && new PacedPlayout(audio, {
      clock: this.clock,
      onFrame: (frame) =>
        this.#send({ type: "audio", who: this.#seat.who, pcm: new PcmChunk(frame, audio) }),
    });
    return Promise.resolve();
  }

  protected override deliverCustomEvent(_data: unknown, text: string): Promise<void> {
    return Promise.resolve(this.#send({ type: "data", who: this.#seat.who, text }));
  }

  override addTrackSubscriber(): undefined {} // this service has no video

  // Step 6: leave, and release all resources.
  protected override disconnect(): Promise<void> {
    this.#playout?.[Symbol.dispose]();
    return Promise.resolve(this.edge.service.leave(this.call.id, this.#seat));
  }

  #send = (message: Message) => this.edge.service.send(this.call.id, message, this.#seat);
}

if (import.meta.main) {
  const service = new ToyService();
  await using edge = new CustomEdge(service);
  const agent = new Agent({
    edge,
    agentUser: { id: "echo", name: "Echo" },
    onAudio: ({ pcm }, { audio }) => audio.write(pcm),
  });
  const call = await agent.createCall("default", "kitchen");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  let heardMs = 0;
  const anna: Seat = {
    who: { id: "1", userId: "anna", name: "Anna", kind: "person", original: null },
    take: (message) => void (heardMs += message.type === "audio" ? message.pcm.durationMs : 0),
  };
  service.enter(call.id, anna);
  const pcm = new PcmChunk(new Int16Array(8000).fill(1000), { sampleRate: 16_000 });
  service.send(call.id, { type: "audio", who: anna.who, pcm }, anna);
  await agent.audio.drain();
  console.log(`Anna said ${pcm.durationMs} ms and heard ${heardMs} ms.`);
}
