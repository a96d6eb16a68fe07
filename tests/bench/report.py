"""What is printed and kept: the table, Markdown, the README, JSON."""

import json

from lab import OUT, ROOT
from model import Samples, judge

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
README = ROOT / "README.md"
PLOTS = ROOT / "tests/bench/plots"
SHOWN = {"latency.svg": "an edit until it is on two targets, against the size of its directory",
         "busy.svg": "CPU of the daemon, against the number of pending files"}
HEADS = ("row", "work", "mirrord", "next to it", "ratio", "goal", "verdict")


def lines_of(rows, samples, failures):
    """Of the rows that were run."""
    ran = {key[0] for key in samples.rounds} | set(failures)
    return [judge(row, claim, samples, failures)
            for row in rows if row.name in ran for claim in row.claims]


def cells(line):
    return [line.row, line.what, line.ours, line.peer, line.ratio, line.goal, line.verdict]


def table(lines):
    grid = [HEADS, *map(cells, lines)]
    widths = [max(len(row[column]) for row in grid) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in grid)


def caption(facts):
    quick = " --quick, which only shows that it works" if facts["quick"] else ""
    return (f"tests/bench/run.sh{quick}, {facts['date']}: {facts['cpus']} CPUs, "
            f"Linux {facts['kernel']}, rsync {facts['rsync']}, "
            f"lsyncd {facts['lsyncd']} with delay 0, two sshds on loopback. "
            f"Medians of at most {facts['settings']['ROUNDS']} rounds, "
            "with the least and greatest ratio.")


def markdown(lines, facts):
    rows = [HEADS[1:], ["---"] * (len(HEADS) - 1), *(cells(line)[1:] for line in lines)]
    grid = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{caption(facts)}\n\n{grid}"


def update_readme(text):
    for file, title in SHOWN.items():
        text += f"\n\n![{title}]({(PLOTS / file).relative_to(ROOT)})"
    readme = README.read_text()
    before, rest = readme.split(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def write_json(facts, samples, failures):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "bench.json").write_text(json.dumps(
        {"facts": facts, "failures": failures, "samples": samples.as_json()}, indent=1))


def read_json():
    kept = json.loads((OUT / "bench.json").read_text())
    return kept["facts"], Samples.of_json(kept["samples"]), kept["failures"]
