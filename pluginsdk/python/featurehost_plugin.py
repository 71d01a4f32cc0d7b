"""Makes a featurehost plugin of a Python program. Copy this file beside yours.

    import pyarrow as pa
    import featurehost_plugin as fh

    def open(config, schema):
        out = pa.schema([pa.field("y", pa.float64())])
        def process(batch):
            return pa.record_batch([...], schema=out)
        return out, process

    fh.serve(open)

The host starts the program itself, as NAME beside manifest.json in a folder
NAME. config is the stage's config as a dict, checked against the manifest,
defaults filled in; schema is that of the columns the manifest names. process is
given one batch at a time, cut in any way: what it gives for a and b together
must be what it gives for a, then what it gives for b. None is an answer without
rows, as of a filter that keeps none.

A plugin of kind keyed sees all rows of its keys, in order of time: the columns
fh_key_0, fh_key_1, ..., fh_time stand in front of its own. Its first output
column is fh_rows (int32, nullable=False), the number of the input row that each
row goes with. Its open gives a third thing, a function flush(), which is called
at the end of input until it gives None or a batch without rows:

    return out, process, flush

Batches of flush have the schema flush_schema(schema, out): keys and time, then
the columns of out but for fh_rows.

Errors: ConfigError from open tells what is wrong with the config; after any
other exception of open the plugin did not start. DataError from process rejects
the rows: they are not tried again. MemoryError asks for fewer rows at a time.
Any other exception, sys.exit() too, is a crash of the batch, which is tried once
more. Its traceback is in the host's log.

Needs pyarrow and nothing else. Standard output belongs to the host: from the
import of this module on print() goes to standard error, which the host logs, and
so does what was printed before and is still in Python's buffer.
"""

import base64
import io
import json
import os
import sys
import threading
import time
import traceback
from urllib.parse import quote


def _take_stdout():
    """Points standard output at standard error and gives what it was, for the handshake."""
    taken = os.dup(1)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # writes out what is buffered
    return taken


# Before other modules are imported, which may print. None where no host has
# started the program, as in the plugin's own tests.
_host = _take_stdout() if os.environ.get("FEATUREHOST_PLUGIN") == "transform-v1" else None

import pyarrow as pa  # noqa: E402
import pyarrow.flight as flight  # noqa: E402


class ConfigError(Exception):
    """The config or the input columns cannot be used."""


class DataError(Exception):
    """The rows cannot be computed."""


def flush_schema(schema, out):
    """That of the rows of a keyed plugin's flush; schema and out are those of open."""
    first = [f for f in schema if f.name == "fh_time" or f.name.startswith("fh_key_")]
    return pa.schema(first + list(out)[1:])


def serve(open, folder=None):
    """Runs the plugin until the host ends it or is gone."""
    folder = folder or os.path.dirname(os.path.abspath(sys.argv[0]))
    with io.open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if _host is None:
        sys.exit(
            f"{manifest['name']} {manifest['version']} is a plugin for featurehost, which starts it itself.\n"
            f"{manifest.get('doc', '')}\nPut its folder into plugins/ and name it in a stage: "
            f"use = \"{manifest['name']}\""
        )
    if os.environ.get("PLUGIN_CLIENT_CERT"):
        sys.exit("this SDK knows no mutual TLS: leave mtls out of the stage")
    socket = os.path.join(os.environ["TMPDIR"], "flight.sock")
    server = _Server(_location(socket), manifest, open)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    os.write(_host, os.fsencode(f"1|1|unix|{socket}|grpc|\n"))
    os.close(_host)
    server.serve()
    os._exit(0)


def _location(socket):
    """The URI of a socket. Arrow decodes its escapes, then gRPC those that are left."""
    return "grpc+unix://" + quote(os.fsencode(socket).replace(b"%", b"%25"))


def _watch_parent(parent):
    # Where the kernel does not tell of the host's end.
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(1)


class _Server(flight.FlightServerBase):
    def __init__(self, location, manifest, open):
        super().__init__(location)
        self._manifest = manifest
        self._most = manifest.get("max_message_bytes", 3 << 20)
        self._open = open
        self._bound = {}
        self._lock = threading.Lock()

    def do_action(self, context, action):
        if action.type == "featurehost.describe":
            answer = self._manifest
        elif action.type == "featurehost.bind":
            answer = self._bind(json.loads(action.body.to_pybytes()))
        elif action.type == "featurehost.health":
            answer = {}
        elif action.type == "featurehost.shutdown":
            # From a thread: shutdown waits for the calls under way, this one too.
            threading.Thread(target=self._stop, daemon=True).start()
            answer = {}
        else:
            raise NotImplementedError(action.type)
        return [flight.Result(json.dumps(answer).encode())]

    def _stop(self):
        threading.Timer(2, os._exit, (0,)).start()
        self.shutdown()

    def _bind(self, request):
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(request["input_schema"])))
        out, process, flush = _opened(self._open, request["config"], schema)
        if self._manifest["kind"] == "keyed" and flush is None:
            raise flight.FlightInternalError("by its manifest the plugin is keyed, but its open gives no flush")
        bound = _Bound(schema, out, process, flush)
        with self._lock:
            handle = str(len(self._bound) + 1)
            self._bound[handle] = bound
        return {"output_schema": base64.b64encode(out.serialize().to_pybytes()).decode(), "handle": handle}

    def do_exchange(self, context, descriptor, reader, writer):
        command = json.loads(descriptor.command)
        bound = self._bound[command["handle"]]
        with bound.lock:
            if command.get("flush") and bound.flush:
                self._flush(bound, writer, command["max_batch_rows"])
            else:
                self._exchange(bound, reader, writer)

    def _exchange(self, bound, reader, writer):
        writer.begin(bound.out)
        while True:
            try:
                chunk = reader.read_chunk()
            except StopIteration:
                return
            ack = json.dumps({"ack": json.loads(chunk.app_metadata.to_pybytes())["seq"]}).encode()
            made = _made("process", bound.process, chunk.data)
            if made is None or made.num_rows == 0:
                writer.write_metadata(ack)
                continue
            if made.schema != bound.out:
                raise flight.FlightInternalError(f"the answer has another schema than open gave: {made.schema}, expected {bound.out}")
            self._send(writer, made, ack)

    def _flush(self, bound, writer, rows):
        writer.begin(bound.flushed)
        while True:
            made = _made("flush", bound.flush)
            if made is None or made.num_rows == 0:
                return
            if made.schema != bound.flushed:
                raise flight.FlightInternalError(f"the flush has another schema than flush_schema gives: {made.schema}, expected {bound.flushed}")
            for at in range(0, made.num_rows, rows):
                self._send(writer, made.slice(at, rows), None)

    def _send(self, writer, batch, ack):
        """Sends rows in one message, or in halves when it would be too large."""
        rows = batch.num_rows
        if rows > 1 and pa.ipc.get_record_batch_size(batch) + 512 > self._most:
            self._send(writer, batch.slice(0, rows // 2), None)
            self._send(writer, batch.slice(rows // 2), ack)
        elif ack is None:
            writer.write_batch(batch)
        else:
            writer.write_with_metadata(batch, ack)


class _Bound:
    """What open gave for a stage; one call at a time."""

    def __init__(self, schema, out, process, flush):
        self.out = out
        self.process = process
        self.flush = flush
        self.flushed = flush_schema(schema, out)
        self.lock = threading.Lock()


def _opened(open, config, schema):
    """Calls the plugin's open and gives (schema, process, flush), where flush may be None."""
    try:
        made = open(config, schema)
    except ConfigError as e:
        raise pa.ArrowInvalid(_text(e)) from None
    except BaseException as e:
        raise _crash(e) from None
    parts = list(made) if isinstance(made, (tuple, list)) else []
    if len(parts) == 2:
        parts.append(None)
    if len(parts) == 3 and isinstance(parts[0], pa.Schema) and callable(parts[1]) and (parts[2] is None or callable(parts[2])):
        return parts
    raise _misfit("open", made, "(schema, process) or (schema, process, flush)")


def _made(name, call, *args):
    """Calls the plugin's process or flush, and gives its errors the status of the protocol."""
    try:
        made = call(*args)
    except DataError as e:
        raise pa.ArrowInvalid(_text(e)) from None
    except MemoryError as e:
        raise pa.ArrowMemoryError(_text(e) or "not enough memory for so many rows") from None
    except BaseException as e:
        raise _crash(e) from None
    if made is None or isinstance(made, pa.RecordBatch):
        return made
    raise _misfit(name, made, "a pyarrow.RecordBatch or None")


def _crash(e):
    """The status of any other exception. sys.exit() is one: it would end a thread and tell nobody."""
    traceback.print_exception(type(e), e, e.__traceback__)
    return flight.FlightInternalError(f"{type(e).__name__}: {_text(e)}")


def _text(e):
    """What an exception says, as text that can be sent: file names need not be UTF-8."""
    try:
        return str(e).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return "it has no text"


def _misfit(name, made, expected):
    return flight.FlightInternalError(f"{name} returned {_kind(made)}, expected {expected}")


def _kind(made):
    name = type(made).__name__
    if made is None:
        return "None"
    if isinstance(made, tuple) and len(made) < 9:
        return f"({', '.join(type(part).__name__ for part in made)})"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
