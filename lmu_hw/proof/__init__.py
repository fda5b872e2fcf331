"""Proofs about a program from its integers alone, by other means than those that chose its formats.

`derive.derive` is the door. Nothing here imports the stages that choose formats (`bounds`, `words`,
`quantize` and the like); all arithmetic is exact, in integers, or rounded outward.
"""
