"""The loop, checkpoints, run folders, selection and protocols."""
