"""docs/reference/performance.md: what a person wrote, then what was measured."""

from pathlib import Path

from measure import Line

PAGE = Path("docs/reference/performance.md")
WORDS = Path(__file__).with_name("words.md")


def write_page(machine: str, lines: list[Line]) -> None:
    """Writes the page."""
    parts = [WORDS.read_text(encoding="utf-8").rstrip(), "", "## Measured", "", f"{machine}.", ""]
    parts += [
        "| Row | Size | Ours | Reach | Reached | Note |",
        "| :-- | :-- | :-- | :-- | :-- | :-- |",
    ]
    for line in lines:
        cells = (
            line.row,
            line.size,
            line.ours,
            line.reach,
            line.verdict,
            line.note,
        )
        parts.append("| " + " | ".join(cells) + " |")
    parts += ["", "Medians, and half the distance between the quartiles:", ""]
    parts += ["| Row | Size | Times |", "| :-- | :-- | :-- |"]
    for line in lines:
        times = ", ".join(
            f"{way} {readable(median)} ± {100 * spread:.0f} %"
            for way, (median, spread) in line.seconds.items()
        )
        parts.append(f"| {line.row} | {line.size} | {times} |")
    PAGE.write_text("\n".join(parts) + "\n", encoding="utf-8")


def readable(value: float) -> str:
    """Seconds in a unit that fits."""
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
