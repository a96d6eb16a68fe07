"""Growth curves, as small SVGs by gnuplot(1)."""

import subprocess

COLOURS = {"mirrord": "#1b6ca8", "lsyncd": "#c8553d", "loop": "#7a7a7a", "inotifywait": "#7a7a7a",
           "walk": "#5a9e6f"}

STYLE = """
set terminal svg size 640,400 font 'sans-serif,13' background '#ffffff'
set border 3
set tics nomirror
set grid ytics lc '#dddddd'
set key top left
"""


def series(row, curve, samples):
    """Tool -> points with the median, least and greatest of the rounds."""
    tools = {tool: samples.points(row.name, tool, curve.metric) for tool in COLOURS}
    return {tool: [(p, sorted(samples.rounds[(row.name, p, tool, curve.metric)]))
                   for p in points if p]
            for tool, points in tools.items() if sum(map(bool, points)) > 1}


def script(file, row, curve, samples):
    lines = series(row, curve, samples)
    if not lines:
        return None
    data, plots = [], []
    for number, (tool, points) in enumerate(lines.items()):
        rows = "\n".join(f"{p} {v[len(v) // 2]:.6g} {v[0]:.6g} {v[-1]:.6g}" for p, v in points)
        data.append(f"$d{number} << END\n{rows}\nEND")
        style = f"lc rgb '{COLOURS[tool]}'"
        line = f"with linespoints pt 7 ps 0.6 lw 2 {style}"
        plots.append(f"$d{number} using 1:2 {line} title '{tool}'")
        plots.append(f"$d{number} using 1:2:3:4 with yerrorbars pt 0 {style} notitle")
    scales = "set logscale xy\nset format y '%g'\n" if curve.logarithmic else ""
    return (f"{STYLE}set output '{file}'\nset title \"{curve.title}\"\nset xlabel '{curve.x}'\n"
            f"set ylabel '{curve.y}'\n{scales}" + "\n".join(data) + "\nplot " + ", ".join(plots)
            + "\n")


def draw(directory, rows, samples):
    directory.mkdir(parents=True, exist_ok=True)
    for row in rows:
        for curve in row.curves:
            text = script(directory / f"{curve.file}.svg", row, curve, samples)
            if text:
                subprocess.run(["gnuplot"], input=text, text=True, check=True)
