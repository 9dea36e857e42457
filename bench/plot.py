"""The figures of a run as one picture."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Figures = Mapping[str, Any]

OURS, THEIRS, COPY = "#1f6f8b", "#c0504d", "#8c8c8c"


def draw(figures: Figures, path: Path) -> None:
    """Write the picture of the benchmarks that ran as PNG."""
    mpl.use("agg")
    if drawn := [name for name in PANELS if name in figures]:
        picture(drawn, figures).savefig(path, dpi=120)


def picture(drawn: Sequence[str], figures: Figures) -> Figure:
    """A panel for each of these benchmarks; a place that is left over stays empty."""
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    whole = Figure(figsize=(6.5 * columns, 4.2 * rows), layout="constrained")
    axes = list(whole.subplots(rows, columns, squeeze=False).flat)
    for name, panel in zip(drawn, axes, strict=False):
        PANELS[name](panel, figures[name])
    for panel in axes[len(drawn) :]:
        panel.set_axis_off()
    return whole


def _apply(axes: Axes, figures: Figures) -> None:
    rivals = figures["rival_commands_per_second"]
    bars = {
        "COPY of\nthe same rows": (figures["copy_commands_per_second"], COPY),
        "our worker": (figures["commands_per_second"], OURS),
        **{f"FastStream\n{workers} worker(s)": (speed, THEIRS) for workers, speed in rivals.items()},
    }
    drawn = axes.bar(list(bars), [speed for speed, _ in bars.values()], color=[c for _, c in bars.values()])
    axes.bar_label(drawn, fmt="{:,.0f}")
    axes.set_yscale("log")
    axes.set_ylabel("commands per second (log)")
    axes.set_title(
        f"applied: {figures['times_rival']:g} times the rival, {figures['share_of_copy']:g} of COPY",
        fontsize=10,
    )


def _http(axes: Axes, figures: Figures) -> None:
    found = {float(at): ms for at, ms in figures["percentiles_ms"].items() if ms is not None}
    places = range(len(found))
    axes.plot(places, list(found.values()), marker="o", color=OURS)
    axes.set_xticks(list(places), [f"p{at:g}" if at < 100 else "max" for at in found])
    axes.axhline(50, color=COPY, linestyle=":")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("ms from due to answered")
    axes.set_title(f"HTTP at {figures['requests_per_second']} requests/s, all on the same cores", fontsize=10)


def _growth(axes: Axes, figures: Figures) -> None:
    costs = {int(size): cost for size, cost in figures["microseconds_per_command"].items()}
    axes.plot(list(costs), list(costs.values()), marker="o", color=OURS)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("accounts in the tables")
    axes.set_ylabel("us per command")
    axes.set_title(f"cost as the tables grow: x {figures['ratio']:g}", fontsize=10)


def _flood(axes: Axes, figures: Figures) -> None:
    names = ("quiet p50", "flooded p50", "quiet p99", "flooded p99")
    keys = ("quiet_p50_ms", "flooded_p50_ms", "quiet_p99_ms", "flooded_p99_ms")
    drawn = axes.bar(names, [figures[key] for key in keys], color=[OURS, THEIRS, OURS, THEIRS])
    axes.bar_label(drawn, fmt="{:.1f}")
    axes.set_ylabel("ms from due to woken")
    axes.set_title(f"commands during a flood of {figures['messages']:,} on facts and bulk", fontsize=10)


def _webhooks(axes: Axes, figures: Figures) -> None:
    http = figures["http"]
    names = list(http)
    for place, (key, colour) in enumerate((("taken_per_second", OURS), ("rows_per_second", COPY))):
        places = [number + (place - 0.5) * 0.4 for number in range(len(names))]
        drawn = axes.bar(
            places, [http[name][key] for name in names], 0.4, color=colour, label=key.split("_")[0]
        )
        axes.bar_label(drawn, fmt="{:,.0f}")
    axes.set_xticks(range(len(names)), [f"{name} in flight" for name in names])
    axes.legend()
    axes.set_ylabel("webhooks per second through HTTP")
    axes.set_title(f"webhooks: {figures['webhooks_per_second']:,}/s from Kafka to rows", fontsize=10)


def _sweep(axes: Axes, figures: Figures) -> None:
    phases = figures["calls_by_phase"]
    drawn = axes.barh(list(phases)[::-1], list(phases.values())[::-1], color=OURS)
    axes.bar_label(drawn, fmt="{:,.0f}")
    axes.set_xscale("symlog")
    axes.set_xlim(right=10 * max(phases.values()))
    axes.set_xlabel("requests to Stripe (log)")
    axes.set_title(
        f"sweep of {figures['accounts']:,} accounts: {figures['minutes_at_limits']:g} min at Stripe's limits",
        fontsize=10,
    )


PANELS: Final[dict[str, Callable[[Axes, Figures], None]]] = {
    "apply": _apply,
    "http": _http,
    "growth": _growth,
    "flood": _flood,
    "webhooks": _webhooks,
    "sweep": _sweep,
}
