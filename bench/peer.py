"""The benchmark's features as a team would write them by hand.

    python peer.py polars|duckdb EVENTS.parquet OUT --layout flat|partitioned [--start DATE]

Both use the fastest way found for them: events are summed per key and day, a
day's sums enter every window the day after and leave it when it is over, and
a running sum over those changes gives the windows, so that only the days on
which something changes are computed. A row equal to the key's row before it
is dropped; sums are compared rounded to six decimals, because a running sum
of floats does not come back to the same bits. With --start only the days from
then on are made, from the events of the month before: those that its windows
reach, and the keys seen in them.
"""
import argparse
import datetime
import os
import shutil

COLUMNS = ["amount", "quantity"]
FUNCTIONS = ["count", "avg", "sum"]
DAYS = [7, 14, 30]
END = datetime.date(2024, 3, 31)

parser = argparse.ArgumentParser()
parser.add_argument("engine", choices=["polars", "duckdb"])
parser.add_argument("events")
parser.add_argument("out")
parser.add_argument("--layout", choices=["flat", "partitioned"], default="flat")
parser.add_argument("--start", type=datetime.date.fromisoformat, help="first day to make")
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()


def feature(column, function, days):
    return f"{column}__{function}_over_{days}_days_rolling_windows"


# The sums that make the features: events, and per column values and their sum.
SUMS = ["events"] + [f"{c}_{x}" for c in COLUMNS for x in ("n", "sum")]
STATE = [(s, d) for d in DAYS for s in SUMS]
# The first instant read of an interval run.
FROM = args.start and args.start - datetime.timedelta(days=max(DAYS) + 1)


def polars():
    os.environ["POLARS_MAX_THREADS"] = str(args.threads)
    import polars as pl

    sums = [pl.len().cast(pl.Int64).alias("events")]
    for c in COLUMNS:
        sums += [pl.col(c).count().cast(pl.Int64).alias(f"{c}_n"), pl.col(c).cast(pl.Float64).sum().alias(f"{c}_sum")]
    events = pl.scan_parquet(args.events)
    if args.start:
        utc = lambda day: pl.lit(datetime.datetime.combine(day, datetime.time(), datetime.UTC)).cast(pl.Datetime("us", "UTC"))
        events = events.filter((pl.col("ts") >= utc(FROM)) & (pl.col("ts") < utc(END)))
    daily = (
        events
        .with_columns(pl.col("ts").dt.replace_time_zone(None))
        .select("id", pl.col("ts").dt.truncate("1d").alias("day"), *COLUMNS)
        .group_by("id", "day")
        .agg(sums)
        .collect(engine="streaming")
    )
    first, unit = args.start or daily["day"].min(), daily["day"].dtype
    lazy = daily.lazy()
    # What changed before the first day made counts from that day on.
    later = lambda n: pl.max_horizontal(pl.col("day") + pl.duration(days=n, time_unit=unit.time_unit), pl.lit(first).cast(unit)).alias("day")
    nothing = {s: pl.lit(0, dtype=daily[s].dtype) for s in SUMS}
    changes = [lazy.select("id", later(1), *[pl.col(s).alias(f"{s}_{d}") for s, d in STATE])]
    for leaving in DAYS:
        over = [(-pl.col(s) if d == leaving else nothing[s]).alias(f"{s}_{d}") for s, d in STATE]
        changes.append(lazy.select("id", later(leaving + 1), *over))
    base = [nothing[s].alias(f"{s}_{d}") for s, d in STATE]
    changes.append(lazy.select("id").unique().select("id", pl.lit(first).cast(unit).alias("day"), *base))
    names = [f"{s}_{d}" for s, d in STATE]
    state = (
        pl.concat(changes)
        .filter(pl.col("day") <= END)
        .group_by("id", "day")
        .agg(pl.col(names).sum())
        .collect(engine="streaming")
        .sort("id", "day")
        .with_columns(pl.col(names).cum_sum().over("id"))
    )
    values, compared = [], [pl.col("id")]
    for c in COLUMNS:
        for f in FUNCTIONS:
            for d in DAYS:
                n, total, name = pl.col(f"{c}_n_{d}"), pl.col(f"{c}_sum_{d}"), feature(c, f, d)
                if f == "count":
                    values.append(pl.when(pl.col(f"events_{d}") > 0).then(n).alias(name))
                    compared.append(pl.col(name))
                elif f == "sum":
                    values.append(pl.when(n > 0).then(total).alias(name))
                    compared.append(pl.col(name).round(6))
                else:
                    values.append(pl.when(n > 0).then(total / n).alias(name))
    table = state.select("id", pl.col("day").alias("timestamp"), *values)
    del state
    differs = pl.any_horizontal([x.ne_missing(x.shift(1)) for x in compared])
    table = table.filter(differs | (pl.int_range(pl.len()) == 0))
    table = table.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    if args.layout == "flat":
        table.write_parquet(f"{args.out}/part-0.parquet", compression="snappy")
        return
    t = pl.col("timestamp")
    table = table.with_columns(year=t.dt.year(), month=t.dt.month(), day=t.dt.day())
    table.write_parquet(args.out, partition_by=["year", "month", "day"], compression="snappy")


def duckdb():
    import duckdb

    db = duckdb.connect()
    db.execute(f"set TimeZone='UTC'; set threads={args.threads}; set memory_limit='12GB'; set preserve_insertion_order=false")
    sums = ", ".join(f"count({c}) as {c}_n, coalesce(sum({c}), 0)::double as {c}_sum" for c in COLUMNS)
    first = f"timestamp '{args.start}'" if args.start else "(select min(day) + interval 0 days from daily)"
    reach = f"where ts >= timestamptz '{FROM}' and ts < timestamptz '{END}'" if args.start else ""
    # What changed before the first day made counts from that day on.
    later = lambda n: f"greatest(day + interval {n} days, {first})" if args.start else f"day + interval {n} days"
    changes = [f"select id, {later(1)} as day, " + ", ".join(f"{s} as {s}_{d}" for s, d in STATE) + " from daily"]
    for leaving in DAYS:
        over = ", ".join(f"-{s}" if d == leaving else "0" for s, d in STATE)
        changes.append(f"select id, {later(leaving + 1)}, {over} from daily")
    zeros = ", ".join("0" for _ in STATE)
    changes.append(f"select distinct id, {first}, {zeros} from daily")
    values, compared = [], []
    for c in COLUMNS:
        for f in FUNCTIONS:
            for d in DAYS:
                n, total, name = f"{c}_n_{d}", f"{c}_sum_{d}", feature(c, f, d)
                test, value = (f"events_{d} > 0", f"{n}::bigint") if f == "count" else (f"{n} > 0", total if f == "sum" else f"{total} / {n}")
                values.append(f"case when {test} then {value} end as {name}")
                if f != "avg":
                    compared.append(name if f == "count" else f"round({name}, 6)")
    row = f"row({', '.join(compared)})"
    parts = ", year(timestamp) as year, month(timestamp) as month, day(timestamp) as day" if args.layout == "partitioned" else ""
    names = ", ".join(feature(c, f, d) for c in COLUMNS for f in FUNCTIONS for d in DAYS)
    query = f"""
    with daily as materialized (
      select id, date_trunc('day', ts::timestamp) as day, count(*) as events, {sums}
      from read_parquet('{args.events}') {reach} group by all),
    change as (
      select id, day, {", ".join(f"sum({s}_{d}) as {s}_{d}" for s, d in STATE)}
      from ({" union all ".join(changes)}) where day <= timestamp '{END}' group by all),
    state as (
      select id, day, {", ".join(f"sum({s}_{d}) over running as {s}_{d}" for s, d in STATE)}
      from change window running as (partition by id order by day rows unbounded preceding)),
    featured as (select id, day as timestamp, {", ".join(values)} from state),
    marked as (
      select *, row_number() over k as nth, {row} is not distinct from lag({row}) over k as same
      from featured window k as (partition by id order by timestamp))
    select id, timestamp::timestamptz as timestamp, {names}{parts} from marked where nth = 1 or not same"""
    to = f"'{args.out}/part-0.parquet' (format parquet, compression snappy)"
    if parts:
        to = f"'{args.out}' (format parquet, compression snappy, partition_by (year, month, day), overwrite_or_ignore true)"
    db.execute(f"copy ({query}) to {to}")


shutil.rmtree(args.out, ignore_errors=True)
os.makedirs(args.out)
{"polars": polars, "duckdb": duckdb}[args.engine]()
