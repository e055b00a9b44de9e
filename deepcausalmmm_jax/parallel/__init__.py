"""Parallel work: batches, their memory, devices and hosts."""
