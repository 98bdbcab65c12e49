// People in rooms, by LiveKit's own client: bundled for a page of the browser, where any number of them
// are. Their microphones are what they are told to say; what they hear and see is measured.
import { Room, RoomEvent, RpcError, Track } from "npm:livekit-client@2.23.0";

/** What is quieter is silence. */
const AUDIBLE = 0.01;

const context = new AudioContext({ sampleRate: 48000, latencyHint: 0 });

/** A picture of one colour of this size, drawn again and again. */
function picture(colour, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  let count = 0;
  const timer = setInterval(() => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, width, height);
    pen.fillRect(count++ % width, 0, 1, 1);
  }, 50);
  const [track] = canvas.captureStream(20).getVideoTracks();
  const stop = track.stop.bind(track);
  track.stop = () => {
    clearInterval(timer);
    stop();
  };
  return track;
}

class Guest {
  audibleMs = 0;
  events = [];
  texts = [];
  transcriptions = [];
  log = [];
  /** The keys that the agent has pressed. */
  keys = "";
  /** Whose picture was seen, and how. */
  pictures = {};
  #seen = new Map();

  constructor() {
    this.destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(this.destination);
    silence.start();
  }

  async join(entry) {
    this.entry = entry;
    const { url, token, silent, options } = entry;
    await context.resume();
    const room = this.room = new Room({ disconnectOnPageLeave: false, ...options });
    room
      .on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
        this.log.push(`subscribed ${participant.identity} ${track.source}`);
        if (track.kind === Track.Kind.Audio) this.#listen(track);
        else this.#watch(track, participant.identity);
      })
      .on(RoomEvent.DataReceived, (payload, participant, _kind, topic) => {
        const data = JSON.parse(new TextDecoder().decode(payload));
        this.events.push({ data, from: participant?.identity, topic });
      })
      .on(
        RoomEvent.TrackMuted,
        ({ source }, { identity }) => this.log.push(`muted ${identity} ${source}`),
      )
      .on(
        RoomEvent.TrackUnmuted,
        ({ source }, { identity }) => this.log.push(`unmuted ${identity} ${source}`),
      )
      .on(
        RoomEvent.ParticipantAttributesChanged,
        (changed, { identity }) => this.log.push(`${identity} ${JSON.stringify(changed)}`),
      )
      .on(RoomEvent.Disconnected, (reason) => this.log.push(`disconnected ${reason}`))
      .on(RoomEvent.Reconnected, () => this.log.push("reconnected"));
    room.on(RoomEvent.SipDTMFReceived, ({ digit }) => this.keys += digit);
    room.registerTextStreamHandler("lk.chat", async (reader, { identity }) => {
      this.texts.push({ from: identity, text: await reader.readAll() });
    });
    room.registerTextStreamHandler("lk.transcription", async (reader, { identity }) => {
      const { attributes } = reader.info;
      this.transcriptions.push({ from: identity, text: await reader.readAll(), attributes });
    });
    await room.connect(url, token);
    if (!silent) {
      const [track] = this.destination.stream.getAudioTracks();
      const source = Track.Source.Microphone;
      this.microphone = await room.localParticipant.publishTrack(track, { source, dtx: false });
    }
    return room.localParticipant.sid;
  }

  /** Says 16-bit PCM (as base64, interleaved); resolves when it is said. */
  async speak(base64, sampleRate, channels) {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = context.createBuffer(channels, samples.length / channels, sampleRate);
    for (let channel = 0; channel < channels; channel++) {
      const plane = buffer.getChannelData(channel);
      for (let i = 0; i < plane.length; i++) plane[i] = samples[i * channels + channel] / 32768;
    }
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(this.destination);
    const ended = new Promise((resolve) => source.addEventListener("ended", resolve));
    source.start();
    await ended;
  }

  /** Clicks, and returns the milliseconds until it is heard as an agent returns it. */
  async click() {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const click = new OscillatorNode(context, { frequency: 1000 });
    click.connect(new GainNode(context, { gain: 0.8 })).connect(this.destination);
    const start = performance.now();
    this.loudAt = 0;
    click.start();
    click.stop(context.currentTime + 0.02);
    // One may be lost while the two are not received yet.
    for (let waited = 0; this.loudAt < start; waited += 5) {
      if (waited > 3000) return await this.click();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.loudAt - start;
  }

  startTone(hz) {
    this.tone = new OscillatorNode(context, { frequency: hz });
    this.tone.connect(new GainNode(context, { gain: 0.3 })).connect(this.destination);
    this.tone.start();
  }

  async mute(muted) {
    await (muted ? this.microphone.mute() : this.microphone.unmute());
  }

  async sendEvent(data) {
    const payload = new TextEncoder().encode(JSON.stringify(data));
    await this.room.localParticipant.publishData(payload, { reliable: true });
  }

  async sendText(text) {
    await this.room.localParticipant.sendText(text, { topic: "lk.chat" });
  }

  async pressKey(code, digit) {
    await this.room.localParticipant.publishDtmf(code, digit);
  }

  async call(identity, method, payload = "") {
    try {
      return await this.room.localParticipant.performRpc({
        ...{ destinationIdentity: identity, method, payload, responseTimeout: 5000 },
      });
    } catch (error) {
      return `error ${error.code} ${error.message}`;
    }
  }

  /** Answers calls of a method; without an answer it fails as one that the application knows. */
  register(method, answer) {
    this.room.registerRpcMethod(method, ({ payload, callerIdentity }) => {
      if (answer === undefined) throw new RpcError(7, "not now", "later");
      return `${answer}, ${callerIdentity}: ${payload}`;
    });
  }

  /** Shares a tone as the sound of a screen. */
  async shareSound(hz) {
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const tone = new OscillatorNode(context, { frequency: hz });
    tone.connect(new GainNode(context, { gain: 0.3 })).connect(destination);
    tone.start();
    const [track] = destination.stream.getAudioTracks();
    const source = Track.Source.ScreenShareAudio;
    await this.room.localParticipant.publishTrack(track, { source, dtx: false });
  }

  async show(source, colour, width, height, options) {
    const track = picture(colour, width, height);
    // On a busy machine a browser sends its greatest layer late, or never.
    await this.room.localParticipant.publishTrack(track, {
      ...{ source, name: source, simulcast: false, degradationPreference: "maintain-resolution" },
      ...options,
    });
    this[source] = track;
  }

  async hide(source) {
    await this.room.localParticipant.unpublishTrack(this[source], true);
  }

  /** Packets of sound that have arrived of the agents, of tracks of this name. */
  async packets(name) {
    let packets = 0;
    for (const { audioTrackPublications } of this.room.remoteParticipants.values()) {
      for (const { track, trackName } of audioTrackPublications.values()) {
        if (trackName !== name) continue;
        const reports = await track?.receiver?.getStats() ?? new Map();
        for (const one of reports.values()) {
          if (one.type === "inbound-rtp") packets += one.packetsReceived;
        }
      }
    }
    return packets;
  }

  /** The others, as this client knows them. */
  others() {
    return [...this.room.remoteParticipants.values()].map((one) => ({
      ...{ identity: one.identity, kind: one.kind, name: one.name, metadata: one.metadata },
      attributes: one.attributes,
      tracks: [...one.trackPublications.values()].map(({ source, isMuted, dimensions }) => ({
        ...{ source, isMuted, dimensions },
      })),
    }));
  }

  /** The middle of a participant's picture, and its size. */
  seen(identity) {
    const element = this.#seen.get(identity);
    if (!element?.videoWidth) return { width: 0, grey: -1 };
    const canvas = new OffscreenCanvas(8, 8);
    const pen = canvas.getContext("2d");
    pen.drawImage(element, 0, 0, 8, 8);
    return { width: element.videoWidth, grey: pen.getImageData(4, 4, 1, 1).data[1] };
  }

  async leave() {
    await this.room.disconnect();
  }

  /** Disappears without a word. */
  async lose() {
    await this.room.engine.close();
  }

  /** Joins anew as the same. */
  async regain() {
    await this.join(this.entry);
  }

  async #listen(track) {
    // Chromium decodes only what an element plays.
    track.attach().muted = true;
    const reader = new MediaStreamTrackProcessor({ track: track.mediaStreamTrack }).readable
      .getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const block = new Float32Array(value.numberOfFrames);
      value.copyTo(block, { planeIndex: 0, format: "f32-planar" });
      const step = value.sampleRate / 200;
      value.close();
      for (let at = 0; at < block.length; at += step) {
        if (block.subarray(at, at + step).some((sample) => Math.abs(sample) > AUDIBLE)) {
          this.audibleMs += 5;
          this.loudAt ||= performance.now();
        }
      }
    }
  }

  #watch(track, identity) {
    const element = track.attach();
    element.muted = true;
    element.style = "width: 320px; height: 180px";
    document.body.append(element);
    this.#seen.set(identity, element);
  }
}

globalThis.guests = {
  all: new Map(),

  async join(name, options) {
    const guest = new Guest();
    this.all.set(name, guest);
    return await guest.join(options);
  },

  async run(name, method, args) {
    const guest = this.all.get(name);
    return typeof guest[method] === "function" ? await guest[method](...args) : guest[method];
  },
};
