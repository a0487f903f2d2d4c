"""Evals: run an experiment, compare two runs, decide the gate. Start in run.py."""
