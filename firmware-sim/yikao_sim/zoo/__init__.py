"""The zoo of bad devices: each behaves as somebody once met a real one, and wrote it down.

A gateway, ours or another, is run against them as the program it is, and judged by what it prints.
"""
