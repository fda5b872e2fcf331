"""All proofs, each with the faults that must break it."""

from __future__ import annotations

from functools import partial

from lmu_hw.program.integer_program import Role
from lmu_hw.rtl.streams import Streams
from tests.formal.designs import design, halves
from tests.formal.ladder import Product, Shift, Waves
from tests.formal.network_proofs import NETWORK_PROOFS
from tests.formal.pacing import OneWriter, PublishedCycles, WordsOfAStep
from tests.formal.parallel_proofs import PARALLEL_PROOFS
from tests.formal.prover import Engine, Mutation, Proof
from tests.formal.requantizing import Requantizes, latency_of
from tests.formal.reset import Forgets
from tests.formal.state import RoundTrip
from tests.formal.streams import AxiNames, FifoOrder

THREE_PORT = "lmu_ladder_three_port"
ARITHMETIC = ("lmu_requantizer_shifter", "lmu_requantizer_rounder")
WORDS = dict.fromkeys(
    ("layer", "layer, every 2"),
    ("lmu_memory", "lmu_operand_mux", "lmu_weight_fetch", "lmu_lane", *ARITHMETIC),
)
"""Modules to cut out of a design so that its words are arbitrary, but keep their cycles."""
CONTROL = {
    "cascade": ("lmu_memory", "lmu_operand_mux", "lmu_zero_run_counter", "lmu_chain"),
    "ladder": ("lmu_memory", "lmu_operand_mux", "lmu_zero_run_counter", "lmu_ladder"),
    "layer, every 2": (
        "lmu_memory",
        "lmu_operand_mux",
        "lmu_weight_fetch",
        "lmu_result_serializer",
        "lmu_lane",
        "lmu_requantizer",
        "lmu_writeback",
    ),
    "dense": (
        "lmu_memory",
        "lmu_operand_mux",
        "lmu_zero_run_counter",
        "lmu_weight_fetch",
        "lmu_result_serializer",
        "lmu_lane",
        "lmu_requantizer",
        "lmu_writeback",
    ),
}
"""Modules to cut out of a design so that only its control remains."""


def pacing(name: str, *mutations: Mutation) -> Proof:
    """Return the proof of a design's cycles."""
    of = partial(design, name, cut=CONTROL[name])
    plan = of().plan
    cycles = [plan.due.cycles] if plan.quiet is plan.due else [plan.due.cycles, plan.quiet.cycles]
    return Proof(
        name=f"steps, {name}",
        claim="a word is accepted exactly when there is room, except during the "
        "published cycles of each step: ready returns as soon as the reader has made "
        "room",
        of=f"{' and '.join(map(str, cycles))} cycles a step; words are arbitrary",
        design=of,
        harness=PublishedCycles,
        engine=Engine.INDUCTION,
        depth=2,
        # a step must have begun before a fault in it shows
        reach=2 * plan.due.cycles,
        mutations=mutations,
    )


def requantizing(name: str, of: str, *mutations: Mutation) -> Proof:
    """Return the proof of a design's rounding."""
    latency = latency_of(design(name).plan)
    return Proof(
        name=f"requantize, {name}",
        claim="every word equals `fixedpoint.round_sum` with saturation, and "
        "comes in its cycle with its job",
        of=of,
        design=partial(design, name, "lmu_requantizer"),
        harness=Requantizes,
        engine=Engine.INDUCTION,
        # results that were in the pipeline when induction began have left it
        depth=latency + 2,
        reach=latency + 6,
        mutations=mutations,
    )


def state(name: str, *mutations: Mutation, cut: tuple[str, ...], depth: int) -> Proof:
    """Return the proof of a design's state port."""
    of = partial(design, name, state_port=True, cut=cut)
    n_words = of().plan.program.n_words(Role.STATE)
    return Proof(
        name=f"state, {name}",
        claim="a SAVE returns every word of the LOAD before it, cut to its "
        "format, and marks the last; an offered word stays until it is taken",
        of=f"{n_words} words; commands and stalls at any time, before the first step",
        design=of,
        harness=RoundTrip,
        engine=Engine.INDUCTION,
        # no result of a step was in the pipeline
        depth=depth,
        reach=40,
        mutations=mutations,
    )


def forgetting(name: str, *mutations: Mutation, depth: int) -> Proof:
    """Return the proof that the words of a design do not depend on its history before a reset."""
    return Proof(
        name=f"reset, {name}",
        claim="two cores that start with different registers and memories offer "
        "the same words after a reset of one cycle and equal inputs",
        of=f"{name}; two steps without a stall",
        design=partial(design, name),
        harness=partial(Forgets, words=True),
        engine=Engine.BOUNDED,
        depth=depth,
        reach=depth,
        mutations=mutations,
    )


PROOFS = (
    Proof(
        name="output stream",
        claim="every word written leaves once, in order, unchanged, within 3 "
        "cycles of a free output; an offered word stays until it is taken; the last word "
        "of a step is marked; when `room` is set, the FIFO has space for all words of a "
        "step",
        of="FIFO of 8 words of 4 bits, 3 words a step",
        design=partial(design, "cascade", "lmu_fifo"),
        harness=FifoOrder,
        engine=Engine.INDUCTION,
        depth=3,
        reach=14,
        mutations=(
            Mutation(
                what="a word in the output is overwritten",
                pattern=r"advance = some && \(!o_valid \|\| o_ready\)",
                text="advance = some",
            ),
            Mutation(
                what="a word leaves twice",
                pattern=r"following <= following \+ 3'd1",
                text="following <= following + {2'd0, o_ready}",
            ),
            Mutation(
                what="room is granted twice",
                pattern=r"room <= next_reserved <= 4'd5",
                text="room <= next_reserved <= 4'd6",
            ),
            Mutation(
                what="the mark of the last word comes late",
                pattern=r"o_last <= is_last",
                text="o_last <= o_valid && is_last",
            ),
        ),
    ),
    pacing(
        "cascade",
        Mutation(
            what="a step ends a cycle early",
            pattern=r"cycle == run_cycles;",
            text="cycle + 5'd1 >= run_cycles;",
        ),
    ),
    pacing(
        "layer, every 2",
        Mutation(
            what="a loop never ends",
            pattern=r"again = run_loop && !last_turn",
            text="again = run_loop",
        ),
        Mutation(
            what="the last run is not recognized",
            pattern=r"done = last_cycle &&",
            text="done = last_cycle && turn[0] &&",
        ),
    ),
    pacing(
        "dense",
        Mutation(
            what="a reset leaves the sequencer running",
            pattern=r"(if \(rst\) begin\n)      running <= 1'd0;\n",
            text=r"\1",
        ),
    ),
    Proof(
        name="one writer",
        claim="input, clearing and results never write to the lanes' memory in the same cycle",
        of="layer, every 2: results are still in the pipeline when the next step may begin",
        design=partial(design, "layer, every 2", cut=WORDS["layer, every 2"]),
        harness=OneWriter,
        engine=Engine.INDUCTION,
        # results that were in the pipeline when induction began have arrived
        depth=14,
        reach=20,
        mutations=(
            Mutation(
                what="words are accepted while the memory is cleared",
                pattern=r"take = valid && ready",
                text="take = valid && (ready || clear)",
            ),
        ),
    ),
    Proof(
        name="words of a step",
        claim="steps write as many words to the output FIFO as they reserved, "
        "and reserve only when it has room: the assumption of the proof *output stream*",
        of="layer, every 2: three steps without a stall",
        design=partial(design, "layer, every 2", cut=WORDS["layer, every 2"]),
        harness=WordsOfAStep,
        engine=Engine.BOUNDED,
        depth=96,
        reach=96,
        mutations=(
            Mutation(
                what="room is reserved for words that never come",
                pattern=r"reserve = step_controller_start && !step_controller_quiet",
                text="reserve = step_controller_start",
            ),
            Mutation(
                what="a state word is output too",
                pattern=r"stream = valid && job",
                text="stream = valid",
            ),
        ),
    ),
    Proof(
        name="AXI4-Stream names",
        claim="every port is that of the core, the reset is inverted, words are "
        "sign-extended; words offered on m_axis and m_axis_state stay until they are "
        "taken",
        of="layer, every 2, with a state port; words are arbitrary",
        design=partial(
            design,
            "layer, every 2",
            state_port=True,
            streams=Streams.AXI,
            cut=(*CONTROL["layer, every 2"], "lmu_step_controller", "lmu_sequencer"),
        ),
        harness=AxiNames,
        engine=Engine.INDUCTION,
        depth=2,
        reach=12,
        mutations=(
            Mutation(what="reset of the wrong polarity", pattern=r"\(!aresetn\)", text="(aresetn)"),
            Mutation(
                what="a negative word is extended with zeros",
                pattern=r"\{5\{o_data\[2\]\}\}",
                text="5'd0",
            ),
        ),
    ),
    state(
        "layer, every 2",
        Mutation(
            what="one word too few",
            pattern=r"ends && \(segment == 1'd1\)",
            text="ends && (segment == 1'd0)",
        ),
        Mutation(
            what="a word is saved before it has been read",
            pattern=r"pause <= 3'd3",
            text="pause <= 3'd1",
        ),
        cut=("lmu_lane", *ARITHMETIC, "lmu_weight_fetch"),
        depth=16,
    ),
    state(
        "cascade",
        Mutation(
            what="no count is loaded",
            pattern=r"to_counts = loads &&",
            text="to_counts = saves &&",
        ),
        cut=(),
        depth=14,
    ),
    Proof(
        name="reset, moments",
        claim="two cores that start with different registers and memories take "
        "and offer words in the same cycles after a reset of one cycle and equal inputs",
        of="layer; any stalls; words are arbitrary",
        design=partial(design, "layer", cut=WORDS["layer"]),
        harness=partial(Forgets, words=False),
        engine=Engine.BOUNDED,
        depth=44,
        reach=44,
        mutations=(
            Mutation(
                what="a reset does not start the clearing",
                pattern=r"      clear <= 1'd1;\n",
                text="",
            ),
        ),
    ),
    forgetting(
        "one section",
        Mutation(
            what="the states are not cleared",
            pattern=r"write = clear \|\| (adaptor)",
            text=r"write = \1",
        ),
        depth=44,
    ),
    forgetting(
        "layer",
        Mutation(
            what="the memory is not cleared",
            pattern=r"write_valid = clear \|\| ",
            text="write_valid = ",
        ),
        depth=64,
    ),
    pacing(
        "ladder",
        Mutation(
            what="a step ends a cycle early",
            pattern=r"cycle == run_cycles;",
            text="cycle + 5'd1 >= run_cycles;",
        ),
    ),
    state(
        "ladder",
        Mutation(
            what="no state is loaded",
            pattern=r"to_ladder = loads &&",
            text="to_ladder = saves &&",
        ),
        cut=(),
        depth=14,
    ),
    forgetting(
        "ladder",
        Mutation(
            what="the states are not cleared",
            pattern=r"write = clear \|\| (windows)",
            text=r"write = \1",
        ),
        depth=60,
    ),
    forgetting(
        "integrate",
        Mutation(
            what="the membranes are not cleared",
            pattern=r"write = clear \|\| valid_4;",
            text="write = valid_4;",
        ),
        depth=76,
    ),
    forgetting(
        "poisson",
        Mutation(
            what="a generator is not set to its seed",
            pattern=r"if \(clear\) begin\n( +x_0)",
            text=r"if (clear && draw) begin\n\1",
        ),
        depth=84,
    ),
    state(
        "integrate, two states",
        Mutation(
            what="no membrane is loaded",
            pattern=r"to_membranes = loads &&",
            text="to_membranes = saves &&",
        ),
        cut=(),
        depth=16,
    ),
    Proof(
        name="product, ladder",
        claim="what the shifter takes is the product of factor and coefficient",
        of="factors of 6 bits, coefficients of 4",
        design=partial(design, "ladder", THREE_PORT),
        harness=Product,
        engine=Engine.INDUCTION,
        depth=2,
        reach=4,
        mutations=(
            Mutation(
                what="the product is of minus the factor",
                pattern=r"high <= factor \* coef",
                text="high <= minus_factor * coef",
            ),
        ),
    ),
    Proof(
        name="product of halves, ladder",
        claim="what the shifter takes is the product of factor and coefficient",
        of="the same in two partial products, of the upper and lower 3 bits of the factor",
        design=partial(halves, "ladder", THREE_PORT, 3),
        harness=Product,
        engine=Engine.INDUCTION,
        depth=2,
        reach=4,
        mutations=(
            Mutation(
                what="the upper half loses its sign",
                pattern=r"high <= \$signed\(factor\[5:3\]\) \* coef",
                text="high <= factor[5:3] * coef",
            ),
        ),
    ),
    Proof(
        name="shift, ladder",
        claim="quotient, half and sticky bit are those of `fixedpoint.round_shift`",
        of="products of 42 bits, of waves of 30; shifts 3 to 18",
        design=partial(design, "wide ladder", f"{THREE_PORT}_shifter"),
        harness=Shift,
        engine=Engine.INDUCTION,
        depth=2,
        reach=4,
        mutations=(
            Mutation(
                what="a lost bit is ignored",
                pattern=r"lost_2 \|\| \(amount\[0\] && ",
                text="lost_2 && (amount[0] && ",
            ),
        ),
    ),
    Proof(
        name="waves, ladder",
        claim="every wave, state and factor is the rounded and limited sum of "
        "`fixedpoint.round_sum`, to nearest and toward zero, and so are the words for the way "
        "right",
        of="waves of 5 bits; products are arbitrary numbers with 2 fractional bits, which is all "
        "that rounding sees of them",
        design=partial(design, "ladder", THREE_PORT, cut=(f"{THREE_PORT}_shifter",)),
        harness=Waves,
        engine=Engine.INDUCTION,
        depth=2,
        reach=14,
        mutations=(
            Mutation(
                what="a wave below the smallest is not limited",
                pattern=r"entering_under = entering_raised_sum\[8\]",
                text="entering_under = entering_raised_sum[0]",
            ),
            Mutation(
                what="a lost bit raises a positive wave",
                pattern=r"\(entering_negative \? entering_raised\[4:0\] : entering\[4:0\]\)",
                text="entering_raised[4:0]",
            ),
            Mutation(
                what="the factor of the largest wave is that of the smallest",
                pattern=r"factor_of_largest <= other - 6'sd15",
                text="factor_of_largest <= other - 6'sh30",
            ),
            Mutation(
                what="the state is not negated",
                pattern=r"minus_result = 9'sd0 - result",
                text="minus_result = result",
            ),
        ),
    ),
    requantizing(
        "layer",
        "totals of 7 bits, biases, shifts 1 and 2",
        Mutation(
            what="wrong limit", pattern=r"rounded_over_0 \? 4'sd7", text="rounded_over_0 ? 4'sd6"
        ),
        Mutation(what="no half is added", pattern=r"half <= shifted_1\[0\]", text="half <= 1'd0"),
        Mutation(
            what="the bias is subtracted",
            pattern=r"held_total \+ \$signed",
            text="held_total - $signed",
        ),
    ),
    requantizing(
        "scaled layer",
        "totals of 7 bits, biases, multipliers of 3 bits, shifts 1 and 2",
        Mutation(
            what="a total is scaled without its bias",
            pattern=r"\.x\(biased\)",
            text=".x(held_total)",
        ),
    ),
    requantizing(
        "dense",
        "totals of 14 bits, bases of 5, shifts 1 to 10, also toward zero",
        Mutation(
            what="bits shifted out are ignored",
            pattern=r"lost_4 \|\| \(amount\[1\] && ",
            text="lost_4 || (amount[0] && ",
        ),
        Mutation(
            what="a sum of zero is rounded up",
            pattern=r"rest_counts && !plain\[13\]",
            text="rest_counts && !plain[13] && (|plain)",
        ),
    ),
    *PARALLEL_PROOFS,
    *NETWORK_PROOFS,
)
