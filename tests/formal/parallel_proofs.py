"""Proofs of the parallel styles, each with the faults that must break it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from lmu_hw.program.integer_program import Role
from tests.formal.adapting import ConstantAdapts, Rounds, TableAdapts
from tests.formal.columns import StepsInOrder
from tests.formal.parallel_designs import parallel_design, wide_design
from tests.formal.parallel_pacing import ColumnsInTime, Paced
from tests.formal.parallel_state import FullRoundTrip, RingRoundTrip
from tests.formal.prover import Engine, Mutation, Proof
from tests.formal.reset import Forgets
from tests.formal.whole_steps import WholeSteps

FULL = {"parallel": "full", "pipeline": 3}
RING = {"parallel": "ring", "pipeline": 2, "sections_per_multiplier": 2}


def without_words(sections: str, **options: Any) -> Any:
    """Return a design whose adaptors are cut out: its words are arbitrary."""
    text = parallel_design(sections, **options).text
    adaptors = re.findall(r"^module (lmu_\w+_(?:first|second|adaptor)) ", text, re.M)
    return partial(parallel_design, sections, cut=tuple(adaptors), **options)


def paced(name: str, sections: str, *mutations: Mutation, **options: Any) -> Proof:
    """Return the proof of a design's cycles."""
    of = without_words(sections, **options)
    plan = of().plan
    return Proof(
        name=f"steps, {name}",
        claim="a word is accepted exactly in the published cycles, as long as there are fewer "
        "steps inside than the output holds, whatever source and sink do; each transfer "
        "is a last one",
        of=f"{plan.cycles_per_step} cycles a step, {plan.fifo_depth} steps; words are arbitrary",
        design=of,
        harness=Paced,
        engine=Engine.INDUCTION,
        depth=plan.cycles_per_step + 2,
        reach=4 * plan.cycles_per_step + plan.clear_cycles + plan.latency,
        mutations=mutations,
    )


def in_time(name: str, sections: str, *mutations: Mutation, **options: Any) -> Proof:
    """Return the proof of when the words of each step are there."""
    of = without_words(sections, **options)
    plan = of().plan
    return Proof(
        name=f"words of a step, {name}",
        claim="each step that is accepted writes its words to each column of the output once, in "
        "the published cycles, under its number: the assumption of the proof *output columns*",
        of=f"sections {sections}, {plan.latency} cycles; words are arbitrary",
        design=of,
        harness=ColumnsInTime,
        engine=Engine.INDUCTION,
        # all steps that were in the pipeline when induction began have left it
        depth=plan.finish + 4,
        reach=plan.clear_cycles + plan.finish + 2 * plan.cycles_per_step + 4,
        mutations=mutations,
    )


def in_order(name: str, sections: str, *mutations: Mutation, **options: Any) -> Proof:
    """Return the proof of a design's output."""
    of = partial(parallel_design, sections, "lmu_output_columns", **options)
    plan = of().plan
    rows = getattr(plan, "rows", 1)
    return Proof(
        name=f"output columns, {name}",
        claim="every step leaves once, in order, with the words that its sections wrote, within "
        f"{3 + rows} cycles of a free output; it stays until it is taken; "
        "`room` is set exactly when there is space for a step; nothing overflows",
        of=f"{plan.fifo_depth} steps of {plan.n_out} words, {rows} a column",
        design=of,
        harness=StepsInOrder,
        engine=Engine.INDUCTION,
        depth=rows + 3,
        reach=14,
        mutations=mutations,
    )


def whole_steps(name: str, sections: str, steps: int, *faults: Mutation, **options: Any) -> Proof:
    """Return the proof of the words of a design's first steps."""
    of = partial(parallel_design, sections, **options)
    plan = of().plan
    depth = plan.clear_cycles + plan.latency + steps * plan.cycles_per_step + 1
    return Proof(
        name=f"words, {name}",
        claim="the outputs of the first steps are those of `memory_step.chain`, counted, rounded "
        "and limited as the program defines, for all input words",
        of=f"sections {sections}, {steps} steps of {plan.interleave} signals from a reset, without "
        "a stall",
        design=of,
        harness=partial(WholeSteps, steps=steps),
        engine=Engine.BOUNDED,
        depth=depth,
        reach=depth,
        mutations=faults,
    )


def adapting(name: str, pipeline: int, number: int, *mutations: Mutation, **keys: Any) -> Proof:
    """Return the proof of an adaptor of `--parallel full`."""
    module = f"lmu_section_0_{('first', 'second')[number]}"
    is_limited = keys.get("is_limited", True)
    return Proof(
        name=f"adaptor, full, {name}",
        claim=ADAPTS + (" and saturated" if is_limited else ""),
        of=f"words of 4 and 5 bits, {pipeline} registers" + ("" if is_limited else PROVEN),
        design=partial(parallel_design, "pr", module, parallel="full", pipeline=pipeline, **keys),
        harness=partial(ConstantAdapts, number=number),
        engine=Engine.INDUCTION,
        depth=pipeline + 2,
        reach=pipeline + 4,
        mutations=mutations,
    )


def rounding(name: str, port: str, pipeline: int, *faults: Mutation) -> Proof:
    """Return the proof of a rounder of words of usual width; faults change patterns of it."""
    module = f"lmu_section_0_first_round_{port}"
    inside = [
        replace(f, pattern=rf"(module {module} .*?){f.pattern}", text=rf"\1{f.text}")
        for f in faults
    ]
    return Proof(
        name=f"rounder, full, {name}",
        claim="every sum of a base and a product equals `fixedpoint.round_sum`, to nearest and "
        "toward zero, with saturation",
        of="words of 16 bits",
        design=partial(wide_design, "pr", module, parallel="full", pipeline=pipeline),
        harness=partial(Rounds, number=0, port=port),
        engine=Engine.INDUCTION,
        depth=2,
        reach=3,
        mutations=tuple(inside),
    )


def table_adapting(name: str, pipeline: int, *mutations: Mutation, **keys: Any) -> Proof:
    """Return the proof of an adaptor of `--parallel ring`."""
    ring = {**RING, "pipeline": pipeline}
    is_limited = keys.get("is_limited", True)
    return Proof(
        name=f"adaptor, ring, {name}",
        claim=ADAPTS
        + (" and saturated" if is_limited else "")
        + "; without a step they are held, or erased",
        of=f"coefficients of a pair and a real section, {pipeline} registers"
        + ("" if is_limited else PROVEN),
        design=partial(parallel_design, "pr", "lmu_unit_0_adaptor", **ring, **keys),
        harness=TableAdapts,
        engine=Engine.INDUCTION,
        depth=pipeline + 2,
        reach=pipeline + 4,
        mutations=mutations,
    )


def state(
    name: str, sections: str, harness: Any, depth: int, *mutations: Mutation, **options: Any
) -> Proof:
    """Return the proof of a design's state port."""
    of = partial(parallel_design, sections, state_port=True, **options)
    plan = of().plan
    return Proof(
        name=f"state, {name}",
        claim="a SAVE returns every word of the last LOAD of its signal, cut to its format, or "
        "zeros after a CLEAR of it or a reset, whatever commands come for other signals; it marks "
        "the last; an offered word stays until it is taken",
        of=f"{plan.interleave} signals of {plan.program.n_words(Role.STATE)} words; commands and "
        "stalls at any time, before the first step",
        design=of,
        harness=harness,
        engine=Engine.INDUCTION,
        depth=depth,
        reach=30,
        mutations=mutations,
    )


def forgetting(name: str, sections: str, *mutations: Mutation, **options: Any) -> Proof:
    """Return the proof that the words of a design do not depend on its history before a reset."""
    of = partial(parallel_design, sections, **options)
    plan = of().plan
    depth = plan.clear_cycles + plan.latency + 2 * plan.cycles_per_step + 2
    return Proof(
        name=f"reset, {name}",
        claim="two cores that start with different registers and memories offer the same words "
        "after a reset of one cycle and equal inputs",
        of=f"sections {sections}; {plan.latency} cycles a step, without a stall",
        design=of,
        harness=partial(Forgets, words=True),
        engine=Engine.BOUNDED,
        depth=depth,
        reach=depth,
        mutations=mutations,
    )


ADAPTS = "both new words equal those of `memory_step.adaptor`, rounded to nearest and toward zero"
PROVEN = "; results are assumed to stay in their formats"

PARALLEL_PROOFS: tuple[Proof, ...] = (
    paced(
        "full",
        "pr",
        Mutation(
            what="a step begins a cycle early",
            pattern=r"(wait\w* <= start \? 3'd)5",
            text=r"\g<1>4",
        ),
        Mutation(
            what="a step begins without room",
            pattern=r"(i_ready = [^;]*) && output_columns_room;",
            text=r"\1;",
        ),
        **FULL,
    ),
    paced(
        "full, 2 signals",
        "pr",
        Mutation(
            what="words are accepted before all signals are cleared",
            pattern=r"if \(clear_signal == 1'd1\)",
            text="if (clear_signal == 1'd0)",
        ),
        interleave=2,
        **FULL,
    ),
    paced(
        "ring",
        "pprr",
        Mutation(
            what="a step begins twice in a turn",
            pattern=r"(i_ready = [^;]*)\(slot == 2'd3\)",
            text=r"\1(slot[0] == 1'd1)",
        ),
        **RING,
    ),
    in_time(
        "full",
        "pr",
        Mutation(
            what="a section starts with the one before it",
            pattern=r"\.valid\(section_0_valid_next\)",
            text=".valid(entering_valid)",
        ),
        **FULL,
    ),
    in_time(
        "ring",
        "pprr",
        Mutation(
            what="a later round does not wait",
            pattern=r"entering_valid : waiting_valid",
            text="entering_valid : unit_1_valid_next",
        ),
        Mutation(
            what="the second unit counts the slots as the first one",
            pattern=r"slot_1 <= slot;",
            text="slot_1 <= (slot == 2'd3) ? 2'd0 : (slot + 2'd1);",
        ),
        Mutation(
            what="a step has the number of the next one",
            pattern=r"entering_step <= step;",
            text="entering_step <= step + {2'd0, take};",
        ),
        Mutation(
            what="words of two sections change places",
            pattern=r"(module lmu_unit_1 .*?row_of_slot = slot == 2'd)0",
            text=r"\g<1>3",
        ),
        **RING,
    ),
    in_order(
        "full",
        "pr",
        Mutation(
            what="an output that waits is overwritten",
            pattern=r"go = !o_valid \|\| o_ready",
            text="go = 1'd1",
        ),
        Mutation(
            what="a fetched step that waits is overwritten",
            pattern=r"if \(go\) begin(\s+fetched_0 <= [^;]*;)",
            text=r"\1 if (go) begin",
        ),
        Mutation(
            what="there is room for one step too many",
            pattern=r"room = reserved != 3'd4",
            text="room = reserved != 3'd5",
        ),
        Mutation(
            what="a column is written where another is",
            pattern=r"\.write_address\(tail_1\)",
            text=".write_address(tail_0)",
        ),
        **FULL,
    ),
    in_order(
        "ring",
        "pprr",
        Mutation(
            what="a row that waits is overwritten",
            pattern=r"\(o_valid \? o_ready : !closing\)",
            text="!closing",
        ),
        Mutation(
            what="an output is offered before its last row",
            pattern=r"if \(closing\) begin",
            text="if (shifts) begin",
        ),
        Mutation(
            what="a step counts when its first row is there",
            pattern=r"(arrived <= write_\d && \(place_\d\[0\] == 1'd)1",
            text=r"\g<1>0",
        ),
        **RING,
    ),
    state(
        "full, 2 signals",
        "pr",
        FullRoundTrip,
        12,
        Mutation(
            what="the state of the signal in turn is loaded",
            pattern=r"load_signal = clearing \? clear_signal : state_port_signal",
            text="load_signal = clearing ? clear_signal : signal",
        ),
        Mutation(
            what="the count of the signal in turn is cleared",
            pattern=r"state_port_busy \? state_port_signal : signal",
            text="signal",
        ),
        Mutation(
            what="a word is saved before it has been read",
            pattern=r"fetching <= saves",
            text="fetching <= 1'd0",
        ),
        interleave=2,
        **FULL,
    ),
    state(
        "ring",
        "ppr",
        RingRoundTrip,
        16,
        Mutation(
            what="a word is loaded a slot late",
            pattern=r"\? following_slot : slot",
            text="? slot : slot",
        ),
        Mutation(
            what="not all states are cleared",
            pattern=r"if \(slot == 2'd2\) begin(\s+clearing <= 1'd0)",
            text=r"if (slot == 2'd0) begin\1",
        ),
        Mutation(
            what="the second unit is not cleared",
            pattern=r"clearing_1 <= clearing;",
            text="clearing_1 <= 1'd0;",
        ),
        **RING,
    ),
    forgetting(
        "full, 2 signals",
        "pr",
        Mutation(
            what="the states are not cleared",
            pattern=r"write = (valid_\d) \|\| load_outer",
            text=r"write = \1",
        ),
        interleave=2,
        **FULL,
    ),
    forgetting(
        "full, state port",
        "r",
        Mutation(
            what="the count of zero inputs is not cleared",
            pattern=r"(module lmu_zero_run_flags_counts .*?)      word <= 2'd0;\n",
            text=r"\1",
        ),
        state_port=True,
        **FULL,
    ),
    forgetting(
        "ring, state port",
        "r",
        Mutation(
            what="the states are not cleared", pattern=r"\.erase\(clearing\)", text=".erase(1'd0)"
        ),
        state_port=True,
        **RING,
    ),
    whole_steps(
        "full",
        "pr",
        3,
        Mutation(
            what="the rounding of a step comes a section early",
            pattern=r"\.silent\(section_0_silent_next\)",
            text=".silent(zero_run_flags_silent)",
        ),
        parallel="full",
        pipeline=1,
    ),
    whole_steps(
        "full, 2 signals",
        "r",
        6,
        Mutation(
            what="a state is written to the signal that follows",
            pattern=r"write_signal = load_inner \? load_signal : signal_1",
            text="write_signal = load_inner ? load_signal : signal",
        ),
        parallel="full",
        pipeline=2,
        interleave=2,
    ),
    whole_steps(
        "ring",
        "pr",
        2,
        Mutation(
            what="an input word is cut, not rounded",
            pattern=r"(raised_input = i_data) \+ \d'sd1",
            text=r"\1",
        ),
        **RING,
    ),
    adapting(
        "one register",
        1,
        0,
        Mutation(
            what="a word above the largest is not limited",
            pattern=r"(module lmu_section_0_first .*?)round_b_over \? 4'd7 : ",
            text=r"\1",
        ),
        Mutation(
            what="a zero run rounds to nearest",
            pattern=r"(module lmu_section_0_first_round_a .*?)silent \? 3'd7 : 3'd4",
            text=r"\1 3'd4",
        ),
    ),
    adapting(
        "three registers",
        3,
        1,
        Mutation(
            what="no half is added",
            pattern=r"operand_silent \? 2'd3 : 2'd2",
            text="operand_silent ? 2'd3 : 2'd0",
        ),
    ),
    adapting(
        "six registers",
        6,
        0,
        Mutation(
            what="only the highest bit shifted out counts",
            pattern=r"shift_tail <= \{\|product_high\[2:0\], product_high\[2\]\}",
            text="shift_tail <= {product_high[2], product_high[2]}",
        ),
    ),
    adapting(
        "not limited",
        5,
        1,
        Mutation(
            what="the words are not aligned",
            pattern=r"operand_x <= \$signed\(\{b, 2'd0\}\)",
            text="operand_x <= $signed({b, 1'd0})",
        ),
        is_limited=False,
    ),
    rounding(
        "short tail",
        "a",
        5,
        Mutation(what="a word in range is limited", pattern=r"with_tail\[\d+\] && !\(&", text="(&"),
    ),
    rounding(
        "long tail",
        "b",
        2,
        Mutation(
            what="positive sums are not rounded to nearest",
            pattern=r"choose_plain = silent && ",
            text="choose_plain = ",
        ),
        Mutation(
            what="the constant of rounding is one unit of the product's last place too large",
            pattern=r"addend = silent \? (\d+'d\d+) : (\d+)'d0;",
            text=r"addend = silent ? \2 : \3'd1;",
        ),
    ),
    table_adapting(
        "two registers",
        2,
        Mutation(
            what="a word that is held changes",
            pattern=r"operand_factor <= hold \? 4'd0 : coef",
            text="operand_factor <= coef",
        ),
        Mutation(
            what="a state is limited like a chain word",
            pattern=r"chosen_a = operand_chain_a \? result_a_1 : result_a_0",
            text="chosen_a = result_a_1",
        ),
    ),
    table_adapting(
        "six registers",
        6,
        Mutation(
            what="no half is added",
            pattern=r"shift_half <= product_high\[2\]",
            text="shift_half <= 1'd0",
        ),
        Mutation(
            what="words are erased without need",
            pattern=r"if \(erase\) begin",
            text="if (erase || hold) begin",
        ),
    ),
    table_adapting(
        "not limited",
        4,
        Mutation(
            what="bits shifted out are ignored",
            pattern=r"shift_rest <= \|product_high\[2:0\]",
            text="shift_rest <= product_high[2]",
        ),
        is_limited=False,
    ),
)
