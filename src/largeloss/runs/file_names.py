"""What comparisons and searches write into their folders."""

COMPARISON = "results.json"
TABLE = "table.md"
TUNED = "tuned.json"
TRIALS = "trials.csv"
