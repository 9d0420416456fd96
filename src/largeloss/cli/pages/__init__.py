"""What the reports of runs and comparisons say, gathered from their folders."""
