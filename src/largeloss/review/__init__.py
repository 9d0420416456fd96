"""The review of a run's suggestions in the browser: queue, audit, answers in memory, server."""
