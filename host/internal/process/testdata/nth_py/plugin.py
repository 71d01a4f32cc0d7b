"""The number of each row among those of its key, and at the end one row for each key."""

import pyarrow as pa

import featurehost_plugin as fh

AT_ONCE = 3  # keys that a flush tells of


def open(config, schema):
    fail, half = config["fail"], config["half"]
    out = pa.schema([pa.field("fh_rows", pa.int32(), nullable=False), pa.field("nth", pa.int64())])
    flushes = fh.flush_schema(schema, out)
    seen = {}  # rows and last time of each key, as they came
    flushed = 0

    def process(batch):
        rows, numbers = [], []
        for i, (key, time) in enumerate(zip(batch.column(0).to_pylist(), batch.column(1))):
            n = seen.get(key, (0, None))[0] + 1
            seen[key] = (n, time)
            if not half or n % 2:
                rows.append(i)
                numbers.append(n)
        if half:  # in another order than they came
            rows.reverse()
            numbers.reverse()
        if fail == "rows":
            rows[0] = batch.num_rows
        return pa.record_batch([pa.array(rows, pa.int32()), pa.array(numbers, pa.int64())], schema=out)

    def flush():
        nonlocal flushed
        if fail == "flush":
            raise fh.DataError("cannot")
        if fail == "flushpanic":
            raise RuntimeError("cannot")
        if fail == "memory":
            raise MemoryError()
        if fail == "nothing":
            return None
        if fail == "schema":
            return pa.record_batch([pa.array([0], pa.int32()), pa.array([1], pa.int64())], schema=out)
        some = list(seen.items())[flushed : flushed + AT_ONCE]
        if fail != "endless":
            flushed += AT_ONCE
        columns = [[k for k, _ in some], [t.value for _, (_, t) in some], [n for _, (n, _) in some]]
        return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, flushes)], schema=flushes)

    if fail == "transform":
        return out, process
    return out, process, flush


fh.serve(open)
