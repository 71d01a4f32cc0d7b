"""Windows of each event as a team would write them by hand.

    python peer_windows.py polars|duckdb EVENTS.parquet OUT fixed|rows

One row per event. fixed: the events of the key in the last 7 and 30 days, in
whole seconds, both ends in it; rows: its last 7 and 30 events.
"""
import argparse
import os
import shutil

COLUMNS = ["amount", "quantity"]
FUNCTIONS = ["count", "avg", "sum"]
SIZES = [7, 30]

parser = argparse.ArgumentParser()
parser.add_argument("engine", choices=["polars", "duckdb"])
parser.add_argument("events")
parser.add_argument("out")
parser.add_argument("frame", choices=["fixed", "rows"])
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()


def feature(column, function, size):
    return f"{column}__{function}_over_{size}_{'days_fixed' if args.frame == 'fixed' else 'events_row'}_windows"


def polars():
    os.environ["POLARS_MAX_THREADS"] = str(args.threads)
    import polars as pl

    events = pl.read_parquet(args.events, columns=["id", "ts", *COLUMNS]).sort("id", "ts", maintain_order=True)
    parts = [events.select("id", pl.col("ts").alias("timestamp"))]
    if args.frame == "fixed":
        # Events of one second see each other, so that each takes what the last of them sees.
        events = events.with_columns(second=pl.col("ts").dt.epoch("us") // 1_000_000)
        for size in SIZES:
            values = []
            for c in COLUMNS:
                n = pl.col(c).count().cast(pl.Int64)
                values += [n.alias(feature(c, "count", size)), pl.col(c).mean().alias(feature(c, "avg", size))]
                values.append(pl.when(n > 0).then(pl.col(c).sum().cast(pl.Float64)).alias(feature(c, "sum", size)))
            window = events.rolling("second", group_by="id", period=f"{size * 86_400}i", closed="both").agg(values)
            parts.append(window.drop("id", "second"))
    else:
        values = []
        for size in SIZES:
            for c in COLUMNS:
                x = pl.col(c).cast(pl.Float64)
                values.append(x.is_not_null().cast(pl.Int64).rolling_sum(size, min_samples=1).over("id").alias(feature(c, "count", size)))
                values.append(x.rolling_mean(size, min_samples=1).over("id").alias(feature(c, "avg", size)))
                values.append(x.rolling_sum(size, min_samples=1).over("id").alias(feature(c, "sum", size)))
        parts.append(events.select(values))
    pl.concat(parts, how="horizontal").write_parquet(f"{args.out}/part-0.parquet", compression="snappy")


def duckdb():
    import duckdb

    db = duckdb.connect()
    db.execute(f"set TimeZone='UTC'; set threads={args.threads}; set preserve_insertion_order=false")
    values, frames = [], []
    for size in SIZES:
        over = f"order by second range between {size * 86_400} preceding and current row"
        if args.frame == "rows":
            over = f"order by ts rows between {size - 1} preceding and current row"
        frames.append(f"w{size} as (partition by id {over})")
        for c in COLUMNS:
            values += [f"{f}({c}) over w{size} as {feature(c, f, size)}" for f in ("count", "avg")]
            values.append(f"(sum({c}) over w{size})::double as {feature(c, 'sum', size)}")
    source = f"(select *, epoch_us(ts) // 1000000 as second from read_parquet('{args.events}'))"
    db.execute(
        f"copy (select id, ts as timestamp, {', '.join(values)} from {source} window {', '.join(frames)}) "
        f"to '{args.out}/part-0.parquet' (format parquet, compression snappy)"
    )


shutil.rmtree(args.out, ignore_errors=True)
os.makedirs(args.out)
{"polars": polars, "duckdb": duckdb}[args.engine]()
