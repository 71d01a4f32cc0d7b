"""Says whether two feature tables hold the same rows.

    python same.py OUTPUT REFERENCE [--rtol 1e-9]

Rows are matched by (id, timestamp); every feature column of the reference must
be there and agree, a null with a null only, floats to rtol. The last line is
the verdict; the exit status is 0 for SAME, 1 for DIFFERENT.
"""
import argparse
import os
import sys

import duckdb

parser = argparse.ArgumentParser()
parser.add_argument("output")
parser.add_argument("reference")
parser.add_argument("--rtol", type=float, default=1e-9)
args = parser.parse_args()
db = duckdb.connect()
db.execute("set TimeZone='UTC'; set threads=2")
PATH = {"year", "month", "day"}  # partition columns


def load(name, path):
    files = path if os.path.isfile(path) else f"{path}/**/*.parquet"
    scan = f"read_parquet('{files}', hive_partitioning=false)"
    columns = [r[0] for r in db.execute(f"describe select * from {scan}").fetchall() if r[0] not in PATH]
    features = [c for c in columns if c not in ("id", "timestamp")]
    types = {r[0]: r[1] for r in db.execute(f"describe select * from {scan}").fetchall()}
    texts = {c for c in features if types[c] == "VARCHAR"}
    listed = ", ".join(f'"{c}"' if c in texts else f'"{c}"::double as "{c}"' for c in features)
    db.execute(f"create temp table {name} as select id, timestamp::timestamptz as t, {listed} from {scan}")
    return features, texts


(mine, texts), (theirs, _) = load("mine", args.output), load("theirs", args.reference)
if sorted(mine) != sorted(theirs):
    print("DIFFERENT: columns", sorted(set(mine) ^ set(theirs)))
    sys.exit(1)
value = lambda sql: db.execute(sql).fetchone()[0]
rows = value("select count(*) from mine"), value("select count(*) from theirs")
twice = value("select count(*) from (select id, t from mine group by all having count(*) > 1)")
extra = value("select count(*) from mine anti join theirs using (id, t)")
missing = value("select count(*) from theirs anti join mine using (id, t)")
wrong = {}
for c in theirs:
    near = "false" if c in texts else f'abs(m."{c}" - r."{c}") <= {args.rtol} * greatest(abs(m."{c}"), abs(r."{c}"))'
    n = value(f'select count(*) from mine m join theirs r using (id, t) where not (m."{c}" is not distinct from r."{c}" or coalesce({near}, false))')
    if n:
        wrong[c] = n
for c, n in wrong.items():
    print(f"  {c}: {n} values differ")
good = not (twice or extra or missing or wrong)
print(f"{'SAME' if good else 'DIFFERENT'}: {rows[0]} rows against {rows[1]}; {extra} extra, {missing} missing, {twice} twice, {sum(wrong.values())} values beyond {args.rtol:g}")
sys.exit(0 if good else 1)
