"""Leaves its functions, and gives things back, in ways that no author means to."""

import os
import sys

import pyarrow as pa

import featurehost_plugin as fh


class Gone(BaseException):
    """What no `except Exception` sees."""


class Mute(Exception):
    """Has no text."""

    def __str__(self):
        raise KeyError("text")


def fail(how):
    if how == "exit":
        sys.exit(3)
    if how == "interrupt":
        raise KeyboardInterrupt()
    if how == "base":
        raise Gone("far away")
    if how == "error":
        raise ValueError("bad luck")
    if how == "name":
        raise ValueError("no file " + os.fsdecode(b"\xff.csv"))  # text that is no UTF-8
    if how == "mute":
        raise Mute()
    if how == "data":
        raise fh.DataError("odd " + os.fsdecode(b"\xff"))
    if how == "config":
        raise fh.ConfigError("odd " + os.fsdecode(b"\xff"))


def open(config, schema):
    where, _, how = config["fail"].partition(":")
    keyed = schema.names[:1] == ["fh_key_0"]
    first = [pa.field("fh_rows", pa.int32(), nullable=False)] if keyed else []
    out = pa.schema(first + [pa.field("y", pa.float64())])
    flushed = fh.flush_schema(schema, out) if keyed else out

    def made(schema, rows):
        batch = pa.record_batch([pa.array([0] * rows).cast(f.type) for f in schema], schema=schema)
        odd = {
            "table": lambda: pa.Table.from_batches([batch]),
            "list": lambda: [batch],
            "tuple": lambda: (batch, None),
            "number": lambda: 7,
        }
        return odd.get(how, lambda: batch)()

    def process(batch):
        if where != "process":
            return pa.record_batch([pa.array([0] * batch.num_rows).cast(f.type) for f in out], schema=out)
        fail(how)
        return made(out, batch.num_rows)

    def flush():
        fail(how)
        return made(flushed, 1)

    if where == "open":
        fail(how)
        odd = {
            "nothing": None,
            "schema": out,
            "one": (out,),
            "four": (out, process, flush, flush),
            "swapped": (process, out),
            "names": (["y"], process),
            "uncallable": (out, 7),
            "flush": (out, process, 7),
        }
        return odd[how]
    return (out, process, flush) if keyed else (out, process)


fh.serve(open)
