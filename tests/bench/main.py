"""mirrord next to lsyncd, to a hand-written loop, and to the least that the work can cost.

It never fails because something is slow; README.md here says how to read it.
"""

import argparse
import contextlib
import datetime
import inspect
import os
import signal
import subprocess
import sys
import time

import plots
import report
import rows_quiet
import rows_transfer
import rows_watch
from contest import Contest, say
from lab import OUT, Lab
from model import SETTINGS, Samples, Scale
from tools import versions


def all_rows(scale):
    return [row for module in (rows_transfer, rows_watch, rows_quiet) for row in module.rows(scale)]


def arguments(rows):
    parser = argparse.ArgumentParser(
        prog="tests/bench/run.sh", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="rows:\n" + "\n".join(f"  {row.name:8} {row.what}" for row in rows)
        + "\n\nenvironment (full, --quick):\n"
        + "\n".join(f"  {name:12} {full}, {quick}" for name, (full, quick) in SETTINGS.items()))
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all without")
    parser.add_argument("--quick", action="store_true", help="small numbers: does it work?")
    parser.add_argument("--last", action="store_true",
                        help="measure nothing: report what build/bench/bench.json holds")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--update-readme", action="store_true",
                        help="put the table and the plots where the README shows them")
    parser.add_argument("--check", action="store_true",
                        help="measure nothing: report made-up samples, and list the rows")
    return parser.parse_args()


def facts(quick, scale):
    return {"date": datetime.date.today().isoformat(), "kernel": os.uname().release,
            "cpus": os.cpu_count(), "load": os.getloadavg()[0], "quick": quick,
            "settings": scale.values(), **versions()}


def measure(rows, scale, samples, failures):
    """A row that cannot be measured is a line of the table, and does not end the others."""
    with contextlib.ExitStack() as stack:
        waiting = []
        for row in rows:
            say(f"{row.name}: {row.what}")
            with guarded(row, failures):
                contest = Contest(row.name, stack.enter_context(Lab()), scale, samples)
                if inspect.isgeneratorfunction(row.measure):
                    steps = row.measure(contest)
                    waiting.append((row, steps, time.monotonic() + next(steps)))
                else:
                    row.measure(contest)
                    contest.lab.close()
            report.write_json(facts(scale.quick, scale), samples, failures)  # what there is so far
        for row, steps, until in sorted(waiting, key=lambda wait: wait[2]):
            say(f"{row.name}: waits until its time is over")
            time.sleep(max(until - time.monotonic(), 0))
            with guarded(row, failures):
                next(steps, None)


@contextlib.contextmanager
def guarded(row, failures):
    begin = time.monotonic()
    try:
        yield
        say(f"{row.name}: {time.monotonic() - begin:.0f} s")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        failures[row.name] = str(error).replace("\n", " ")
        say(f"{row.name}: not measured: {error}")


def made_up(rows):
    """One sample for whatever a row claims, and two points for each curve."""
    samples = Samples()
    for row in rows:
        for claim in row.claims:
            for of in filter(None, (claim.ours, claim.peer)):
                samples.add(row.name, of.point, of.tool, {of.metric: 1.0})
        for curve in row.curves:
            for point in (1, 2):
                samples.add(row.name, point, "mirrord", {curve.metric: float(point)})
    return samples


def check(rows, scale):
    """That a report can be made of what the rows claim; needs neither gnuplot nor a build."""
    samples = made_up(rows)
    samples = Samples.of_json(samples.as_json())
    lines = report.lines_of(rows, samples, {})
    facts_ = {"date": "-", "cpus": 0, "kernel": "-", "quick": True, "rsync": "-", "lsyncd": "-",
              "settings": scale.values()}
    assert report.markdown(lines, facts_).count("\n| ") == len(lines) + 2
    assert all(line.verdict in ("", "reached", "missed") for line in lines)
    assert all(plots.script("-", row, curve, samples) for row in rows for curve in row.curves)
    readme = report.README.read_text()
    assert readme.count(report.BEGIN) == readme.count(report.END) == 1
    print("\n".join(f"{row.name:8} {row.what}" for row in rows))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is cleaned up
    scale = Scale("--quick" in sys.argv)
    rows = all_rows(scale)
    options = arguments(rows)
    if unknown := set(options.rows) - {row.name for row in rows}:
        sys.exit(f"unknown row: {', '.join(sorted(unknown))}; "
                 f"known: {', '.join(row.name for row in rows)}")
    if options.check:
        return check(rows, scale)
    chosen = [row for row in rows if row.name in options.rows or not options.rows]
    samples, failures = Samples(), {}
    if options.last:
        what, samples, failures = report.read_json()
    else:
        measure(chosen, scale, samples, failures)
        what = facts(options.quick, scale)
        report.write_json(what, samples, failures)
    lines = report.lines_of(chosen, samples, failures)
    plots.draw(OUT, chosen, samples)
    print(report.markdown(lines, what) if options.markdown
          else f"{report.caption(what)}\n\n{report.table(lines)}")
    if options.update_readme:
        report.update_readme(report.markdown(lines, what))
        plots.draw(report.PLOTS, chosen, samples)
    say(f"all samples: {OUT.name}/bench.json and the plots, in build/")


if __name__ == "__main__":
    main()
