/** Commands for the participants inside the SFU. @module */
import { Picture, Voice } from "../media_sources.ts";
import type { Command } from "./params.ts";

export const PARTICIPANTS: Record<string, Command> = {
  addPerson: (_, p) => {
    const userId = p.text("userId");
    return p.room.addPerson({ userId, name: p.text("name", userId) }).sessionId;
  },
  countViewers: (_, p) => void (p.room.anonymous = p.number("count")),
  removePerson: (_, p) => p.room.remove(p.participant),
  speak: (_, p) => {
    const voice = new Voice(p.number("frequency"), p.number("amplitude", 0.3));
    p.room.publish(p.participant, p.trackType, voice);
  },
  say: (_, p) => {
    const bytes = Uint8Array.fromBase64(p.text("samples"));
    const samples = new Int16Array(bytes.buffer);
    return p.voice.say(samples, p.number("sampleRate"), p.number("channels"));
  },
  click: (_, p) => p.voice.click(),
  setTone: (_, p) => {
    const { voice } = p;
    voice.amplitude = p.number("amplitude");
    voice.frequency = p.number("frequency", voice.frequency);
  },
  show: (_, p) => {
    const picture = new Picture(
      p.number("width", 160),
      p.number("height", 120),
      p.number("luma", 90),
    );
    p.room.publish(p.participant, p.trackType, picture);
  },
  unpublish: (_, p) => p.room.unpublish(p.participant, p.trackType),
  setMuted: (_, p) => p.room.setMuted(p.participant, p.trackType, p.flag("muted")),
};
