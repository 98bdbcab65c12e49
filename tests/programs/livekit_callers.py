"""Callers in rooms of LiveKit's server, by LiveKit's own SDK for Python.

Reads orders from standard input, a line of JSON each: {"id", "caller", "method", "args"}. Prints a line of
JSON for each that is done: {"id", "result"} or {"id", "error"}. The end of the input ends the program.
"""

import asyncio
import json
import sys
import time

import numpy
from livekit import api, rtc

RATE = 48_000
# What is said is written in pieces of this length, and heard in such.
PIECE_MS = 100
# What is heard is measured in parts of this length.
PART_MS = 10
# What is quieter is silence: the agents' tones have a level of 0.2.
AUDIBLE = 0.05
# A stream that has brought nothing for so long has a gap.
LATE_S = 0.3


class Listener:
    """What is heard of one participant."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.since = time.monotonic()
        # Where sound begins and ends, in seconds of this process's clock.
        self.sounds = []
        self.tones = {}
        self.purity = []

    def hear(self, at, samples):
        """Takes a piece that begins at this time."""
        step = RATE * PART_MS // 1000
        parts = samples[: len(samples) // step * step].reshape(-1, step)
        levels = numpy.sqrt(numpy.mean(parts * parts, axis=1))
        for index, level in enumerate(levels):
            start = at + index * PART_MS / 1000
            if level < AUDIBLE or start < self.since:
                continue
            end = start + PART_MS / 1000
            if self.sounds and start - self.sounds[-1][1] < 0.001:
                self.sounds[-1][1] = end
            else:
                self.sounds.append([start, end])
        if at < self.since or (levels < AUDIBLE).any():
            return
        # With pieces of a tenth of a second a bin has 10 Hz.
        power = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples)))) ** 2
        peak = int(numpy.argmax(power))
        hz = peak * 1000 // PIECE_MS
        self.tones[hz] = self.tones.get(hz, 0) + PIECE_MS
        self.purity.append(float(power[max(0, peak - 3) : peak + 4].sum() / power.sum()))

    def report(self):
        now = time.monotonic()
        gaps = []
        last = self.since
        for start, end in [*self.sounds, [now, now]]:
            if start - last >= 0.015:
                gaps.append([round((last - self.since) * 1000), round((start - last) * 1000)])
            last = end
        audible = sum(end - start for start, end in self.sounds)
        return {
            "wallMs": round((now - self.since) * 1000),
            "audibleMs": round(audible * 1000),
            # When each began, and how long it was. The last one ends now.
            "gaps": gaps,
            # The milliseconds of each tone, and the share of a piece's energy that is the tone's.
            "tones": self.tones,
            "purity": sum(self.purity) / len(self.purity) if self.purity else 0,
        }


class Caller:
    """A person in a room."""

    def __init__(self):
        self.ears = {}
        self.data = []
        self.texts = []
        self.transcriptions = []
        self.keys = []
        self.log = []
        self.disconnected = None
        self.is_leaving = False
        self.speaking = None
        self.tone = 0
        self.tasks = set()

    def start(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def join(self, url, token, tone=0, publishes=True):
        room = self.room = rtc.Room()
        room.on("track_subscribed", lambda track, _publication, who: self.subscribed(track, who))
        room.on("data_received", self.on_data)
        room.on("sip_dtmf_received", lambda key: self.keys.append([key.participant.identity, key.code, key.digit]))
        room.on("track_muted", lambda who, track: self.log.append(f"muted {who.identity} {track.name}"))
        room.on("track_unmuted", lambda who, track: self.log.append(f"unmuted {who.identity} {track.name}"))
        room.on("participant_attributes_changed", self.on_attributes)
        room.on("participant_connected", lambda who: self.log.append(f"joined {who.identity}"))
        room.on("participant_disconnected", lambda who: self.log.append(f"left {who.identity}"))
        room.on("reconnecting", lambda: self.log.append("reconnecting"))
        room.on("reconnected", lambda: self.log.append("reconnected"))
        room.on("disconnected", self.on_disconnected)
        room.register_text_stream_handler("lk.chat", self.on_text(self.texts))
        room.register_text_stream_handler("lk.transcription", self.on_text(self.transcriptions))
        await room.connect(url, token)
        self.tone = tone
        if publishes:
            self.source = rtc.AudioSource(RATE, 1, queue_size_ms=400)
            self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self.source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
            await room.local_participant.publish_track(self.track, options)
            self.speaking = self.start(self.speak())
        return room.local_participant.sid

    async def speak(self):
        count = RATE * PIECE_MS // 1000
        at = 0
        while not self.is_leaving and self.disconnected is None:
            hz = self.tone
            phase = 2 * numpy.pi * hz * numpy.arange(at, at + count) / RATE
            at += count
            samples = (numpy.sin(phase) * 0.3 * 32767).astype(numpy.int16)
            await self.source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, count))

    def subscribed(self, track, who):
        self.log.append(f"subscribed {who.identity} {track.name}")
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.start(self.listen(track, self.ears.setdefault(who.identity, Listener())))

    async def listen(self, track, ear):
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=PIECE_MS)
        # The track of one who has come back takes the place of the one before, which goes on in silence.
        ear.stream = stream
        end = 0
        async for event in stream:
            if ear.stream is not stream:
                break
            samples = numpy.frombuffer(event.frame.data, numpy.int16).astype(numpy.float32) / 32768
            length = len(samples) / RATE
            # The pieces follow each other, whenever this process comes to take them.
            start = time.monotonic() - length
            if start - end > LATE_S or end == 0:
                end = start
            ear.hear(end, samples)
            end += length
        await stream.aclose()

    def on_data(self, packet):
        who = packet.participant
        self.data.append([who and who.identity, packet.topic, packet.data.decode()])

    def on_attributes(self, changed, who):
        self.log.append(f"{who.identity} {json.dumps(changed)}")

    def on_disconnected(self, reason):
        self.disconnected = rtc.DisconnectReason.Name(reason)
        self.log.append(f"disconnected {self.disconnected}")

    def on_text(self, received):
        async def read(reader, identity):
            text = await reader.read_all()
            received.append({"from": identity, "text": text, "attributes": dict(reader.info.attributes or {})})

        return lambda reader, identity: self.start(read(reader, identity))

    async def set_tone(self, hz):
        self.tone = hz

    async def listen_anew(self):
        for ear in self.ears.values():
            ear.reset()

    async def heard(self):
        return {identity: ear.report() for identity, ear in self.ears.items()}

    async def others(self):
        return [
            {
                "identity": who.identity,
                "sid": who.sid,
                "name": who.name,
                "kind": rtc.ParticipantKind.Name(who.kind),
                "metadata": who.metadata,
                "attributes": dict(who.attributes),
                "tracks": [[one.name, one.muted] for one in who.track_publications.values()],
            }
            for who in self.room.remote_participants.values()
        ]

    async def send_data(self, text, topic="", to=()):
        await self.room.local_participant.publish_data(
            text, reliable=True, topic=topic, destination_identities=list(to)
        )

    async def send_text(self, text):
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def press(self, code, digit):
        await self.room.local_participant.publish_dtmf(code=code, digit=digit)

    async def call(self, identity, name, payload):
        try:
            return await self.room.local_participant.perform_rpc(
                destination_identity=identity, method=name, payload=payload, response_timeout=10
            )
        except rtc.RpcError as error:
            return f"error {error.code} {error.message} {error.data or ''}".strip()

    async def register(self, name, reply=None):
        """Registers a method; without a reply it fails as one that the application knows."""

        async def run(call):
            if reply is None:
                raise rtc.RpcError(7, "not now", "later")
            return f"{reply}, {call.caller_identity}: {call.payload}"

        self.room.local_participant.register_rpc_method(name, run)

    async def set_attributes(self, attributes):
        await self.room.local_participant.set_attributes(attributes)

    async def mute(self, muted):
        self.track.mute() if muted else self.track.unmute()

    async def simulate(self, name):
        """Has LiveKit's SDK do as if something had happened to it, e.g. SIMULATE_SIGNAL_RECONNECT."""
        await self.room.simulate_scenario(rtc.SimulateScenarioKind.Value(name))

    async def leave(self):
        self.is_leaving = True
        # What is being said ends first: the SDK reports a piece that it has no room for any more.
        if self.speaking:
            await self.speaking
        await self.room.disconnect()

    async def field(self, name):
        return getattr(self, name)


class Server:
    """The server's API."""

    async def request(self, url, key, secret, service, method, kind, fields):
        async with api.LiveKitAPI(url, key, secret) as client:
            request = getattr(api, kind)(**fields)
            await getattr(getattr(client, service), method)(request)


async def main():
    people = {"server": Server()}
    tasks = set()

    def reply(value):
        print(json.dumps(value), flush=True)

    async def run(order):
        target = people.setdefault(order["caller"], Caller())
        try:
            result = await getattr(target, order["method"])(*order["args"])
            reply({"id": order["id"], "result": result})
        except Exception as error:  # Whatever it is, the test says it.
            reply({"id": order["id"], "error": f"{type(error).__name__}: {error}"})

    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    reply({"id": 0, "result": "ready"})
    while line := await reader.readline():
        task = asyncio.create_task(run(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    leaving = [one.leave() for one in people.values() if hasattr(one, "room")]
    await asyncio.gather(*leaving, return_exceptions=True)


asyncio.run(main())
