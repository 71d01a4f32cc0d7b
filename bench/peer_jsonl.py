"""JSON lines with declared columns to Parquet, as a team would write it by hand.

    python peer_jsonl.py polars|duckdb EVENTS.jsonl OUT
"""
import argparse
import os
import shutil

parser = argparse.ArgumentParser()
parser.add_argument("engine", choices=["polars", "duckdb"])
parser.add_argument("events")
parser.add_argument("out")
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()


def polars():
    os.environ["POLARS_MAX_THREADS"] = str(args.threads)
    import polars as pl

    columns = {"id": pl.Int64, "ts": pl.Int64, "amount": pl.Float64, "quantity": pl.Int64, "category": pl.String}
    time = pl.from_epoch("ts", "ms").dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("timestamp")
    pl.scan_ndjson(args.events, schema=columns).select("id", time, "amount", "quantity", "category").sink_parquet(
        f"{args.out}/part-0.parquet", compression="snappy"
    )


def duckdb():
    import duckdb

    db = duckdb.connect()
    db.execute(f"set TimeZone='UTC'; set threads={args.threads}; set preserve_insertion_order=false")
    columns = "{id: 'bigint', ts: 'bigint', amount: 'double', quantity: 'bigint', category: 'varchar'}"
    db.execute(
        f"copy (select id, make_timestamptz(ts * 1000) as timestamp, amount, quantity, category "
        f"from read_json('{args.events}', format='newline_delimited', columns={columns})) "
        f"to '{args.out}/part-0.parquet' (format parquet, compression snappy)"
    )


shutil.rmtree(args.out, ignore_errors=True)
os.makedirs(args.out)
{"polars": polars, "duckdb": duckdb}[args.engine]()
