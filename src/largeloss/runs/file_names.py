"""What comparisons, searches and trackers write into their folders."""

COMPARISON = "results.json"
TABLE = "table.md"
TUNED = "tuned.json"
TRIALS = "trials.csv"
SENT = "tracking.json"
