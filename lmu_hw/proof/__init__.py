"""Proofs about a program, derived from its integers alone.

The entry point is `derive.derive`. Nothing here imports `quantize`, which chose the formats. All
arithmetic is exact integer arithmetic, or rounded outward.
"""
