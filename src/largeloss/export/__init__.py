"""Trained models for other programs: ONNX, a program of torch, a folder for a model hub."""
