"""Feed-forward layers that start a step every few cycles, `LayerCore`.

Every operation is a stage of a pipeline with registers for its words. A step passes the stages at
fixed cycles, and the next one follows an interval later.

- `layer_plan`, `stage_planning`, `layer_stages`: which operation reads which words, and when.
- `held_words`: how long words stay in registers, and the copies that keep them longer.
- `layer_core`: the pipeline and its output.
- `format_change`, `argmax_tree`: stages that handle all words at once.
- `sum_layer`: a stage of sums, and of the lanes that turn them into words.

Sums come from one of three:

- `row_folding`, `turn_mux`, `row_multipliers`: multipliers that rows of a matrix share, at
  intervals from 3.
- `graph_search`, `adder_graph`, `constant_matrix`: adders alone, at intervals 1 and 2.
- `term_adder`: sums and products of single words.

Lanes:

- `lane_turns`, `result_shape`: which lane takes which sum in which cycle, and its constants.
- `result_lane`, `split_product`, `piece_function`: scale, round, saturate, apply the function.
- `result_registers`: collects the words.
"""
