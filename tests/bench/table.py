"""How a benchmark's figures are printed."""

from __future__ import annotations

#: name, value, unit, budget (None where there is none)
Row = tuple[str, float, str, "float | None"]
#: Units of which more is better.
_RATES = ("MB/s",)


def show(rows: list[Row]) -> None:
    """Print one line per figure, with its budget and whether it is met."""
    for name, value, unit, budget in rows:
        verdict = ""
        if budget is not None:
            met = value >= budget if unit in _RATES else value <= budget
            verdict = f"   budget {budget:g} {unit}: {'met' if met else 'MISSED'}"
        print(f"{name:<46}{value:>9.2f} {unit:<5}{verdict}", flush=True)
