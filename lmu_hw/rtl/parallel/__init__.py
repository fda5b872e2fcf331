"""Memories with a multiplier for a few sections, `RingCore`, or for each coefficient, `FullCore`.

A section of the cascade is a pipeline. While a section works on a step, the sections after it work
on the steps before.

- `cascade_plan`, `cascade_core`, `parallel_core`: what both styles have in common.
- `column_layout`, `step_columns`, `output_columns`, `word_columns`: buffer the words of
  a step, which its sections finish one after the other; they leave at once or one by one.
- `zero_run_flags`, `shown_state`: counters of zero inputs; states as output words.
- `signal_state_port`: clears, saves and loads the state of one signal.
- `emit_parallel`: the files of a design.

Full: steps of several independent signals follow each other in one pipeline.

- `full_plan`: intervals, latency and ports of a design.
- `adaptor_shape`, `constant_rounder`, `constant_adaptor`, `signal_store`, `full_section`,
  `full_core`: the pipeline.

Ring: neighbouring sections take turns in one pipeline, and their states move in circles.

- `ring_schedule`, `coefficient_table`, `ring_plan`: slots, coefficients, intervals and latency.
- `table_shape`, `table_adaptor`, `delay_line`, `ring_unit`, `ring_core`: the pipelines.
- `moving_state`: when the words of the state pass the state port.
"""
