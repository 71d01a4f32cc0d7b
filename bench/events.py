"""Makes the events that the benchmark reads, the same on every machine.

    python events.py OUT.parquet|OUT.jsonl [--rows 1000000] [--keys 100000] [--days 90]

Columns: id int64, ts timestamp[us, UTC] ascending, amount double (2 % null),
quantity int64 1..9, category string. Days count from 2024-01-01. JSON lines
hold ts in milliseconds.
"""
import argparse

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--keys", type=int, default=100_000)
parser.add_argument("--days", type=int, default=90)
parser.add_argument("--hot", type=float, default=0.0, help="share of the rows that belong to one key")
args = parser.parse_args()

FIRST = np.datetime64("2024-01-01T00:00:00", "us").astype(np.int64)
KINDS = ["view", "click", "buy", "return"]

# One generator feeds all columns: drawing in another order gives other rows.
draw = np.random.default_rng(20240101)
rows = args.rows
ids = draw.integers(1, args.keys + 1, rows, dtype=np.int64)
millis = draw.integers(0, args.days * 86_400_000, rows, dtype=np.int64)
amount = np.round(draw.gamma(2.0, 50.0, rows), 2)
quantity = draw.integers(1, 10, rows, dtype=np.int64)
kind = draw.choice(np.array(KINDS), rows, p=[0.6, 0.25, 0.12, 0.03])
absent = draw.random(rows) < 0.02
if args.hot:
    ids = np.where(draw.random(rows) < args.hot, 1, ids)

table = pa.table(
    {
        "id": ids,
        "ts": pa.array(np.sort(FIRST + millis * 1000), pa.timestamp("us", "UTC")),
        "amount": pa.array(amount, mask=absent),
        "quantity": quantity,
        "category": pa.array(kind.tolist(), pa.string()),
    }
)
if args.out.endswith(".jsonl"):
    null = absent.tolist()
    with open(args.out, "w", encoding="ascii") as f:
        for i, (key, ms, a, n, k) in enumerate(zip(ids.tolist(), (np.sort(FIRST + millis * 1000) // 1000).tolist(), amount.tolist(), quantity.tolist(), kind.tolist())):
            f.write(f'{{"id":{key},"ts":{ms},"amount":{"null" if null[i] else repr(a)},"quantity":{n},"category":"{k}"}}\n')
else:
    pq.write_table(table, args.out, compression="snappy", row_group_size=125_000)
print(f"{args.out}: {rows} events of {len(np.unique(ids))} keys")
