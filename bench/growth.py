"""How time and memory grow with the input: the rolling features of more and
more events, under --memory 1GiB.

    python growth.py [--runs NAME,...] [--layouts flat,partitioned] [--work DIR]

Processor time should grow like the events, and resident memory not at all.
One line per run: CPU seconds (user + system), per million feature rows, that
over the same of 1 million events, wall seconds, peak MB, and how many rows a
row group of the files written holds. A machine that others share changes its
pace within minutes, so the million is run thrice before and thrice after each
run, and the median of the six is what the run is held against. The largest
inputs take some GB of disk and minutes; each is made when it is needed and
removed afterwards.
"""
import argparse
import datetime
import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

import pyarrow.parquet as pq

here = os.path.dirname(os.path.abspath(__file__))
# Name: events, keys, days, share of one hot key.
BASE = "1m"
RUNS = {
    BASE: (1_000_000, 100_000, 90, 0),
    "10m": (10_000_000, 1_000_000, 90, 0),
    "50m": (50_000_000, 5_000_000, 90, 0),
    "year": (20_000_000, 1_000_000, 365, 0),
    "decade": (3_000_000, 300_000, 3650, 0),
    "hot": (10_500_000, 50_000, 90, 0.953),  # one key with 10 million events
}
parser = argparse.ArgumentParser()
parser.add_argument("--runs", default=",".join(n for n in RUNS if n != BASE))
parser.add_argument("--layouts", default="flat,partitioned")
parser.add_argument("--semantics", default="featurehost", choices=["featurehost", "butterfree"])
parser.add_argument("--memory", default="1GiB")
parser.add_argument("--work", default=os.path.join(here, "out", "growth"))
parser.add_argument("--binary", default=os.path.join(here, "..", "bin", "featurehost"))
args = parser.parse_args()

out = os.path.join(args.work, "store")


def make(name):
    """Makes the events of a run and gives their file."""
    rows, keys, days, hot = RUNS[name]
    os.makedirs(args.work, exist_ok=True)
    events = os.path.join(args.work, f"{name}.parquet")
    if not os.path.exists(events):
        line = [sys.executable, f"{here}/events.py", events, "--rows", str(rows), "--keys", str(keys), "--days", str(days), "--hot", str(hot)]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    return events


def run(name, layout):
    """Computes the features once; gives CPU seconds, wall seconds, MB, the footers."""
    events = make(name)
    end = datetime.date(2024, 1, 1) + datetime.timedelta(days=RUNS[name][2])
    shutil.rmtree(out, ignore_errors=True)
    env = {"EVENTS": events, "OUT": out, "LAYOUT": layout, "SEMANTICS": args.semantics, "MEMORY": args.memory}
    start = time.perf_counter()
    line = [args.binary, "run", f"{here}/rolling.toml", "--end", str(end), "--quiet"]
    p = subprocess.Popen(line, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(p.pid, 0)
    wall = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit(f"{name}, {layout} ended with {p.returncode}")
    files = [pq.ParquetFile(f).metadata for f in glob.glob(f"{out}/historical/**/*.parquet", recursive=True)]
    shutil.rmtree(out)
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, files


def pace(layout):
    """CPU seconds per feature row of three small runs."""
    for _ in range(3):
        cpu, _, _, files = run(BASE, layout)
        yield cpu / sum(f.num_rows for f in files)


print(f"{'':20}{'M rows':>8}{'CPU s':>8}{'per M':>7}{'over 1m':>9}{'wall s':>8}{'peak MB':>9}{'files':>7}{'groups':>8}{'rows/group':>12}")
for name in args.runs.split(","):
    make(name)
    for layout in args.layouts.split(","):
        before = list(pace(layout))
        cpu, wall, peak, files = run(name, layout)
        base = statistics.median(before + list(pace(layout)))
        made, groups = sum(f.num_rows for f in files), sum(f.num_row_groups for f in files)
        print(
            f"{name + ', ' + layout:20}{made / 1e6:8.1f}{cpu:8.1f}{cpu / made * 1e6:7.2f}{cpu / made / base:9.2f}{wall:8.1f}{peak:9.0f}"
            f"{len(files):7}{groups:8}{made // groups:12,}",
            flush=True,
        )
    os.remove(os.path.join(args.work, f"{name}.parquet"))
os.remove(make(BASE))
