"""Gives its columns back under the names out_ and their own."""

import pyarrow as pa
import pyarrow.flight as flight

import featurehost_plugin as fh


def open(config, schema):
    fail = config.get("fail", "")
    if fail == "open":
        raise fh.ConfigError(f"fail must not be '{fail}'")
    if fail == "open_panics":
        raise RuntimeError("no model")
    if fail == "open_error":
        raise OSError("no model")
    if fail == "open_backend":
        raise pa.ArrowInvalid("unknown model")  # which pyarrow would send as a status of its own
    fields = [pa.field("out_" + f.name, f.type) for f in schema]
    if fail == "twice":
        fields += [f.with_name(f.name + "_again") for f in fields]
    out = pa.schema(fields)

    def process(batch):
        print("printed to stdout")
        if fail == "process":
            raise fh.DataError("row 3 is odd")
        if fail == "memory" and batch.num_rows > 2:
            raise MemoryError()
        if fail == "error":
            raise OSError("no such table")
        if fail == "backend":
            raise flight.FlightUnavailableError("backend is down")
        if fail == "panic":
            raise KeyError("x")
        if fail == "schema":
            return batch
        if fail == "none":
            return None
        return pa.record_batch(batch.columns * (2 if fail == "twice" else 1), schema=out)

    return out, process


fh.serve(open)
