"""Proofs of feed-forward networks behind a memory, each with the faults that must break it."""

from __future__ import annotations

from functools import partial
from typing import Any

from lmu_hw.rtl.parallel.cascade_plan import word_latency
from tests.formal.layer_words import LayerComputes, MatrixTimesVector
from tests.formal.network_designs import gate_design, network_design
from tests.formal.network_pacing import LayersInTime, NetworkPaced
from tests.formal.prover import Engine, Mutation, Proof
from tests.formal.word_order import InputFollows, WordsInOrder

FULL = {"parallel": "full", "pipeline": 3}
RING = {"parallel": "ring", "pipeline": 2, "sections_per_multiplier": 2}


def word_by_word(name: str, sections: str, *mutations: Mutation, **options: Any) -> Proof:
    """Return the proof of a memory's output to lanes."""
    module = "lmu_states_output_columns"
    options |= {"layers": "lanes", "reads_input": True}
    of = partial(network_design, sections, module, **options)
    plan = of().plan.memory
    rows = getattr(plan, "rows", 1)
    return Proof(
        name=f"word columns, {name}",
        claim="the words of every step leave one by one, vector by vector and section by section, "
        f"as its sections wrote them, within {word_latency(plan.columns)} cycles of a free output, "
        "and one for each section without a word; each stays until it is taken; the last one is "
        "marked; `room` is set when there is space for a step; nothing overflows",
        of=f"sections {sections}, {plan.fifo_depth} steps, {rows} a column",
        design=of,
        harness=WordsInOrder,
        engine=Engine.INDUCTION,
        depth=8,
        reach=16,
        mutations=mutations,
    )


def layer(name: str, of: Any, number: int, what: str, *mutations: Mutation) -> Proof:
    """Return the proof of a stage of a pipeline of layers."""
    plan = of().plan
    plan = getattr(plan, "layers", plan)
    stage, interval = plan.stages[number], plan.cycles_per_step
    latency = stage.target.time - stage.begin
    return Proof(
        name=f"layer, {name}",
        claim="the words of every step are those of `interpreter.execute`, from the published "
        "cycle on, as long as published, whenever steps come an interval or more apart",
        of=f"{what}; latency {latency}, a step every {interval} cycles",
        design=of,
        harness=partial(LayerComputes, number=number),
        engine=Engine.INDUCTION,
        # all words that were in the pipeline when induction began have left it
        depth=latency + interval + 3,
        reach=latency + 2 * interval + 6,
        mutations=mutations,
    )


def of_layer(name: str, **options: Any) -> Any:
    """Return a module of the layers of a small network."""
    return partial(network_design, "pr", f"lmu_layers_{name}", **options)


NETWORK_PROOFS: tuple[Proof, ...] = (
    word_by_word(
        "full",
        "prp",
        Mutation(
            what="a word that waits is overwritten",
            pattern=r"(module lmu_states_output_columns .*?)go = !o_valid \|\| o_ready",
            text=r"\1go = 1'd1",
        ),
        Mutation(
            what="a section without a word leaves one",
            pattern=r"fetched_valid <= some && present",
            text="fetched_valid <= some",
        ),
        **FULL,
    ),
    word_by_word(
        "ring",
        "prrp",
        Mutation(
            what="the rows of the next round are those of this one",
            pattern=r"first_row <= over \? 1'd0 : \(wraps \? row_sum : first_row\)",
            text="first_row <= over ? 1'd0 : first_row",
        ),
        Mutation(
            what="space is free when the first vector has left",
            pattern=r"ends = advance && over && \(part == 1'd1\)",
            text="ends = advance && over",
        ),
        Mutation(
            what="a step counts when its first row is there",
            pattern=r"(arrived <= write_\d && \(place_\d\[0\] == 1'd)1",
            text=r"\g<1>0",
        ),
        **RING,
    ),
    Proof(
        name="input appender",
        claim="the words of a step pass in their cycle, unchanged, and after the last one its "
        "input word; no input word is lost or leaves twice; an offered word stays until it is "
        "taken",
        of="words of 3 bits, input words of 4, of which 4 wait",
        design=partial(
            network_design, "prr", "lmu_input_appender", layers="lanes", reads_input=True, **RING
        ),
        harness=InputFollows,
        engine=Engine.INDUCTION,
        depth=4,
        reach=14,
        mutations=(
            Mutation(
                what="the input word comes after the first word",
                pattern=r"input_is_next <= !input_is_next && words_last",
                text="input_is_next <= !input_is_next",
            ),
            Mutation(
                what="an input word is lost",
                pattern=r"fifo_o_ready = o_ready && input_is_next",
                text="fifo_o_ready = o_ready",
            ),
            Mutation(
                what="a word of the step is taken and not passed on",
                pattern=r"words_ready = o_ready && !input_is_next",
                text="words_ready = o_ready",
            ),
        ),
    ),
    Proof(
        name="steps, network",
        claim="a word is accepted exactly in the published cycles, as long as there is space for "
        "the states of its step, once the layers have cleared their memory; no more input words "
        "wait than have space: the assumption of the proof *input appender*",
        of="ring, lanes, 52 cycles a step; words, and when the layers take them, are arbitrary",
        design=partial(
            network_design,
            "pr",
            cut=("lmu_layers", "lmu_states_unit_0_adaptor", "lmu_states_unit_1_adaptor"),
            layers="lanes",
            reads_input=True,
            **{**RING, "sections_per_multiplier": 1},
        ),
        harness=NetworkPaced,
        engine=Engine.INDUCTION,
        depth=8,
        reach=24,
        mutations=(
            Mutation(
                what="a step does not wait for the layers",
                pattern=r"free = layers_ready && \(cycles_to_output == 6'd0\)",
                text="free = layers_ready",
            ),
            Mutation(
                what="an input word is kept that was not accepted",
                pattern=r"input_valid = i_valid && i_ready",
                text="input_valid = i_valid",
            ),
        ),
    ),
    Proof(
        name="steps, layers",
        claim="a step is accepted exactly in the published cycles, as long as there are fewer "
        "inside than the output holds; each layer begins in its published cycle and reads the "
        "words of its step; these are written to the output in the published cycles",
        of="two layers and a label, 6 cycles a step; words of the layers are arbitrary",
        design=partial(
            network_design,
            "pr",
            "lmu_layers",
            cut=tuple(
                f"lmu_layers_{n}" for n in ("linear_layer_0", "linear_layer_1", "argmax_layer")
            ),
            layers="pipelined",
            **FULL,
        ),
        harness=LayersInTime,
        engine=Engine.INDUCTION,
        depth=36,
        reach=24,
        mutations=(
            Mutation(
                what="a step begins a cycle early",
                pattern=r"(wait_2 <= take \? 3'd)5",
                text=r"\g<1>4",
            ),
            Mutation(
                what="a layer begins a cycle early",
                pattern=r"in_cycle_17 <= steps_in_flight\[15\]",
                text="in_cycle_17 <= steps_in_flight[14]",
            ),
            Mutation(
                what="the copy is one of the step before",
                pattern=r"if \(in_cycle_17\) begin(\s+h_at_18)",
                text=r"if (take) begin\1",
            ),
        ),
    ),
    layer(
        "two multipliers",
        of_layer("linear_layer_0", layers="pipelined", **FULL),
        0,
        "3 rows of 3 words of 3 bits, 2 turns a row",
        Mutation(
            what="a row begins with the sum of the one before",
            pattern=r"(module lmu_layers_linear_layer_0_rows .*?)opens_4 \? 6'sd0 : accumulated",
            text=r"\1accumulated",
        ),
        Mutation(
            what="a multiplier gets the same word in both turns",
            pattern=r"operand_0 = turn \? read_1\[2:0\] : read_0",
            text="operand_0 = read_0",
        ),
    ),
    layer(
        "one multiplier",
        of_layer("linear_layer_1", layers="pipelined", **FULL),
        1,
        "2 rows of 3 words of 3 bits, 3 turns a row",
        Mutation(
            what="a word is kept a cycle early",
            pattern=r"(module lmu_layers_linear_layer_1_registers .*?takes_1 = turn_0 == 2'd)3",
            text=r"\g<1>2",
        ),
    ),
    layer(
        "adders",
        of_layer("linear_layer_0", layers="adders", **FULL),
        0,
        "3 rows of 3 words of 3 bits from adders, one lane",
        Mutation(
            what="a row is rounded down",
            pattern=r"(module lmu_layers_linear_layer_0_lane .*?constant_1 <= 7'sd)14",
            text=r"\g<1>6",
        ),
        Mutation(
            what="the lane takes a sum twice",
            pattern=r"total_1 <= sum_2;",
            text="total_1 <= sum_1;",
        ),
    ),
    layer(
        "products and a function",
        partial(gate_design, "lmu_pointwise_layer"),
        0,
        "2 words of 3 bits times 2 words of 2 bits, less the first ones; a function of 4 pieces",
        Mutation(
            what="a product is added to its word",
            pattern=r"sum <= product_0_1 - ",
            text="sum <= product_0_1 + ",
        ),
        Mutation(
            what="the argument is not limited",
            pattern=r"limited <= \(\(rounded\[3:2\] == 2'd0\) \|\| ",
            text="limited <= (1'd1 || ",
        ),
    ),
    layer(
        "scale",
        partial(gate_design, "lmu_scale_layer"),
        1,
        "2 words of 3 bits, each with its factor and shift",
        Mutation(
            what="the factor of the first word is that of both",
            pattern=r"factor_1 <= 4'shb",
            text="factor_1 <= 4'sd6",
        ),
    ),
    layer(
        "change of format",
        partial(gate_design, "lmu_copy_layer"),
        2,
        "3 words of 4 bits, cut to 3",
        Mutation(
            what="a word below the smallest wraps",
            pattern=r"\(&read_0\[7:6\]\)",
            text="read_0[7]",
        ),
    ),
    layer(
        "argmax",
        partial(gate_design, "lmu_argmax_layer"),
        3,
        "3 words of 4 bits",
        Mutation(
            what="the last of equal words wins",
            pattern=r"largest_0_1_1 > largest_0_0_1",
            text="largest_0_1_1 >= largest_0_0_1",
        ),
    ),
    Proof(
        name="constant matrix",
        claim="each sum is that row of the program's matrix times the words, or minus that, for "
        "all words",
        of="3 rows of 3 words of 3 bits from 8 adders",
        design=of_layer("linear_layer_0_matrix", layers="adders", **FULL),
        harness=partial(MatrixTimesVector, number=0),
        engine=Engine.INDUCTION,
        depth=4,
        reach=6,
        mutations=(
            Mutation(
                what="a sum for a difference",
                pattern=r"node_4 = \$signed\(read_0\) - ",
                text="node_4 = $signed(read_0) + ",
            ),
            Mutation(
                what="a word counts half",
                pattern=r"\$signed\(\{node_5_1, 1'd0\}\)",
                text="node_5_1",
            ),
        ),
    ),
)
