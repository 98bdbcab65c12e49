"""Runs Python's contenders: one JSON command a line in, one JSON answer a line out."""
import base64
import json
import sys
import time

import av
import numpy
import soxr


class PyAv:
    def __init__(self, in_rate, out_rate):
        self.rate = in_rate
        self.resampler = av.AudioResampler(format="s16", layout="mono", rate=out_rate)

    def process(self, chunk):
        frame = av.AudioFrame.from_ndarray(chunk.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.rate
        made = [f.to_ndarray()[0] for f in self.resampler.resample(frame)]
        return numpy.concatenate(made) if made else numpy.zeros(0, numpy.int16)


class Soxr:
    def __init__(self, in_rate, out_rate):
        self.stream = soxr.ResampleStream(in_rate, out_rate, 1, dtype="int16")

    def process(self, chunk):
        return self.stream.resample_chunk(chunk)


def mix_minus(rows, frames):
    block = (numpy.arange(rows * frames) * 37 % 2000).astype(numpy.int16).reshape(rows, frames)

    def run():
        total = block.sum(axis=0, dtype=numpy.int32)
        return numpy.clip(total - block, -32768, 32767).astype(numpy.int16)

    return run


KINDS = {"pyav": PyAv, "soxr": Soxr}


def timed(run, calls):
    start = time.perf_counter_ns()
    for _ in range(calls):
        run()
    return (time.perf_counter_ns() - start) / calls


for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "open":
        kind = KINDS[command["kind"]]
        chunk = numpy.array(command["chunk"], numpy.int16)
        stream = kind(command["inputRate"], command["outputRate"])
        answer = None
    elif command["do"] == "time":
        answer = timed(lambda: stream.process(chunk), command["calls"])
    elif command["do"] == "convert":
        signal = numpy.frombuffer(base64.b64decode(command["signal"]), numpy.int16)
        fresh = kind(command["inputRate"], command["outputRate"])
        step = command["inputRate"] // 50
        made = [fresh.process(signal[n : n + step]) for n in range(0, len(signal) - step + 1, step)]
        answer = base64.b64encode(numpy.concatenate(made).astype(numpy.int16).tobytes()).decode()
    else:
        answer = timed(mix_minus(command["rows"], command["frames"]), command["calls"])
    print(json.dumps(answer), flush=True)
