"""Times featurehost and its peers in turn on the same events.

    python run.py [--case rolling] [--rows 1000000] [--runs 3] [--layouts flat,partitioned] [--only NAME,...]

Cases: rolling (18 features over rolling windows), lastday (the same for one
day of many, an interval run), fixed and rows (12 features over windows of each
event), jsonl (JSON lines with declared columns to Parquet).

Every round runs each command once, so that a slow phase of the machine hits
all of them. Figures are medians: CPU seconds (user + system) of the whole
process, wall seconds, greatest resident memory, bytes written. A figure counts
only with the verdict SAME: the rows of the butterfree profile are compared
with those of the first peer; the default profile, which gives other rows, is
timed beside it.
"""
import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
CASES = {"rolling": "flat,partitioned", "lastday": "partitioned", "fixed": "flat", "rows": "flat", "jsonl": "flat"}
LAST = "2024-03-31"  # the last label of the peers; the default profile labels the same grid
parser.add_argument("--case", choices=CASES, default="rolling")
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--keys", type=int)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--layouts", help="default: those that the case is about")
parser.add_argument("--only", help="commands to run: featurehost, featurehost-default, polars, duckdb")
parser.add_argument("--work", default=os.path.join(here, "out"))
parser.add_argument("--binary", default=os.path.join(here, "..", "bin", "featurehost"))
args = parser.parse_args()

os.makedirs(args.work, exist_ok=True)
events = os.path.join(args.work, f"events_{args.rows}." + ("jsonl" if args.case == "jsonl" else "parquet"))
if not os.path.exists(events):
    keys = args.keys or max(args.rows // 10, 1)
    subprocess.run([sys.executable, f"{here}/events.py", events, "--rows", str(args.rows), "--keys", str(keys)], check=True)


def command(name, out, layout):
    """The command line and the environment of one contestant."""
    if not name.startswith("featurehost"):
        script, more = {
            "rolling": ("peer.py", ["--layout", layout]),
            "lastday": ("peer.py", ["--layout", layout, "--start", LAST]),
            "fixed": ("peer_windows.py", ["fixed"]),
            "rows": ("peer_windows.py", ["rows"]),
            "jsonl": ("peer_jsonl.py", []),
        }[args.case]
        return [sys.executable, f"{here}/{script}", name, events, out, *more], {}
    semantics = "featurehost" if name.endswith("-default") or args.case == "jsonl" else "butterfree"
    line = [args.binary, "run", f"{here}/{args.case}.toml", "--quiet"]
    if args.case in ("rolling", "lastday"):
        line += ["--end", LAST]
    if args.case == "lastday":
        line += ["--start", LAST]
    return line, {"EVENTS": events, "OUT": out, "LAYOUT": layout, "SEMANTICS": semantics}


def once(name, out, layout):
    """Runs a contestant alone; gives CPU s, wall s, peak bytes."""
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    line, env = command(name, out, layout)
    with open(out + ".log", "wb") as log:
        start = time.perf_counter()
        p = subprocess.Popen(line, env={**os.environ, **env}, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(p.pid, 0)
        wall = time.perf_counter() - start
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit(f"{name} ended with {p.returncode}: see {out}.log")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024


def written(out):
    total = 0
    for folder, _, files in os.walk(out):
        total += sum(os.path.getsize(os.path.join(folder, f)) for f in files if f.endswith(".parquet"))
    return total


names = ["featurehost", "featurehost-default", "polars", "duckdb"]
if args.case == "jsonl":
    names.remove("featurehost-default")
if args.only:
    names = args.only.split(",")
layouts = (args.layouts or CASES[args.case]).split(",")
measured = {(n, l): [] for l in layouts for n in names}
for _ in range(args.runs):
    for layout in layouts:
        for name in names:
            measured[name, layout].append(once(name, os.path.join(args.work, f"{name}-{layout}"), layout))

print(f"{args.case}: {args.rows} events, {args.runs} interleaved runs, medians; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
print(f"{'':32}{'CPU s':>8}{'min..max':>15}{'wall s':>8}{'peak MB':>9}{'MB':>7}   CPU over polars")
for layout in layouts:
    base = None
    if ("polars", layout) in measured:
        base = statistics.median(r[0] for r in measured["polars", layout])
    for name in names:
        runs = measured[name, layout]
        cpu, wall, peak = (statistics.median(r[i] for r in runs) for i in range(3))
        spread = f"{min(r[0] for r in runs):.2f}..{max(r[0] for r in runs):.2f}"
        size = written(os.path.join(args.work, f"{name}-{layout}"))
        ratio = f"{cpu / base:.2f}" if base else ""
        print(f"{name + ', ' + layout:32}{cpu:8.2f}{spread:>15}{wall:8.2f}{peak / 1e6:9.0f}{size / 1e6:7.1f}   {ratio}")

failed = False
reference = next((n for n in names if not n.startswith("featurehost")), None)
for layout in layouts:
    for name in names:
        if reference is None or name in (reference, "featurehost-default"):
            continue
        mine = os.path.join(args.work, f"{name}-{layout}", "historical" if name == "featurehost" else "")
        r = subprocess.run([sys.executable, f"{here}/same.py", mine, os.path.join(args.work, f"{reference}-{layout}")], capture_output=True, text=True)
        print(f"{name}, {layout}, against {reference}: {r.stdout.strip().splitlines()[-1] if r.stdout.strip() else r.stderr.strip()}")
        failed |= r.returncode != 0
sys.exit(failed)
