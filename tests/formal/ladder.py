"""Proofs that the three-port of a ladder computes its waves as the program defines them.

The whole does not end: z3 gives up on a product whose rounded sums are limited. So it is proven in
three parts, each for all words: the product, its shift, and everything that the shifted product
enters. What one part assumes of another is what that one proves.
"""

from __future__ import annotations

from amaranth.hdl import Assume, Cat, Module, Mux, Signal, Value, signed

from lmu_hw.program.fixedpoint import QFormat, Rounding, round_shift, round_sum
from lmu_hw.rtl.ladder_unit import ladder_widths
from lmu_hw.rtl.ladder_windows import LAST
from tests.formal.prover import Design, Harness
from tests.formal.requantizing import saturate

ROUNDER = ("rest_counts", "half_counts", "late_base", "raised_base")
INSIDE = (
    *("held_own", "held_other", "held_passed", "held_lost", "held_behind"),
    *("rest", "factor_of_largest", "factor_of_smallest", "base", "minus_factor"),
    "limited_wave_0",
    *(f"round_{sum_}.{name}" for sum_ in ("wave", "state") for name in ROUNDER),
)
"""Registers that hold the claims up between two cycles."""
PLACES = 2
"""Fractional bits that stand for those of a product: its half, and whether there is more."""


class Product(Harness):
    """What is shifted is the product of factor and coefficient."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.factor, self.x = self.probe("factor"), self.probe("shifter.x")

    def check(self, m: Module) -> None:
        product = Signal.like(self.x, reset_less=True)
        m.d.sync += product.eq(self.factor * self["coef"])
        self.claim(m, self.x == product)


class Shift(Harness):
    """Quotient, half and sticky bit are those of the definition."""

    def check(self, m: Module) -> None:
        _, least, _ = ladder_widths(self.design.plan)
        x, amount = self["x"], self["amount"]
        floor, near, exact = (
            Signal(signed(len(x) + 1), name=n, reset_less=True) for n in ("floor", "near", "back")
        )
        lost = Signal(reset_less=True)
        with m.Switch(amount):
            for k in range(1 << len(amount)):
                shift = least + k
                with m.Case(k):
                    m.d.comb += exact.eq(round_shift(x, shift, Rounding.TRN) << shift)
                    m.d.sync += [
                        floor.eq(round_shift(x, shift, Rounding.TRN)),
                        near.eq(round_shift(x, shift, Rounding.RND)),
                    ]
        m.d.sync += lost.eq(exact != x)
        self.claim(m, self["quotient"] == floor)
        self.claim(m, self["quotient"] + self["half"] == near)
        self.claim(m, self["rest"] == lost)


class Waves(Harness):
    """Waves, factors and states are the rounded and limited sums of the definition.

    The shifter is cut out: a product is any number with `PLACES` fractional bits. So is what passes
    a section of the other kind: a product that a window before has rounded, or a state.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.fmt: QFormat = design.plan.program.vector("w").fmt
        self.factor = self.probe("factor")
        self.quotient, self.half, self.rest = (
            self.probe(f"shifter_{name}") for name in ("quotient", "half", "rest")
        )
        width = self.fmt.width
        self.inside = {name: self.probe(name) for name in INSIDE}
        self.product = self.free(signed(width + 1 + PLACES), "passed_product")
        self.passed_factor = self.free(signed(width + 1), "passed_factor")

    def check(self, m: Module) -> None:
        fmt, width, silent = self.fmt, self.fmt.width, self["silent"]
        total = signed(width + 4)

        def rounded(base: Value, product: Value) -> Value:
            nearest, zero = (
                round_sum(base, product, PLACES, mode) for mode in (Rounding.RND, Rounding.TRN_ZERO)
            )
            return Mux(silent, zero, nearest)

        phase = self._window(m)
        leave = phase == LAST
        # t is at most as large as its factor
        product = Signal(signed(width + 1 + PLACES))
        m.d.comb += [
            product.eq(Cat(self.rest & ~self.half, self.half, self.quotient).as_signed()),
            Assume(self.quotient == (product >> PLACES)),
            Assume(self.rest | ~self.half),
        ]
        self._passed(m, leave)

        # what the next window works with
        held = {}
        for name in ("own", "other"):
            held[name] = Signal.like(self[name], name=f"{name}_held")
        passed, factor = Signal.like(self.product), Signal.like(self.passed_factor)
        with m.If(leave):
            m.d.sync += [register.eq(self[name]) for name, register in held.items()]
            m.d.sync += [passed.eq(self.product), factor.eq(self.passed_factor)]

        # the window that leaves
        base, left, state = (Signal(total, name=n) for n in ("base_of_sum", "left", "new_state"))
        wave, passed_state, is_even = Signal(total), Signal(total), Signal()
        m.d.comb += base.eq(Mux(self["source"], held["other"], self["wave"] - held["own"]))
        with m.If(leave):
            m.d.sync += [
                left.eq(Mux(self["restart"], 0, saturate(rounded(base, product), fmt))),
                state.eq(saturate(0 - rounded(0 - held["own"], product), fmt)),
                is_even.eq(self["even"]),
            ]
        # the section that its wave passes
        m.d.comb += [
            wave.eq(saturate(rounded(left, passed), fmt)),
            passed_state.eq(saturate(0 - rounded(left - factor, passed), fmt)),
        ]
        entered, passed_entered = Signal(total), Signal(total)
        m.d.sync += [entered.eq(wave), passed_entered.eq(passed_state)]

        loaded, known = self._known(m, leave)
        self.claim(m, self["state"] == state, when=known & (phase == 0) & is_even)
        now = known & (phase == 1)
        self.claim(m, self["wave"] == entered, when=now)
        self.claim(m, self["state"] == passed_entered, when=now)
        self.claim(m, self.factor == held["other"] - self["wave"], when=loaded & (phase != 0))
        self._inside(m, phase, (loaded, known), held, passed, factor, left)
        # what is kept for the way right
        t = Mux(silent, product >> PLACES, round_shift(product, PLACES, Rounding.RND))
        last = loaded & leave
        self.claim(m, self["t"] == t, when=last)
        self.claim(m, self["t_behind"] == t - self.factor, when=last)
        self.claim(m, self["t_lost"] == (silent & product[:PLACES].any()), when=last)

    def _window(self, m: Module) -> Signal:
        """Return the cycle in a window of four; what is said of a window stays in it."""
        phase = Signal(range(LAST + 1))
        m.d.sync += phase.eq(phase + 1)
        m.d.comb += [
            Assume(self["enter"] == (phase == 0)),
            Assume(self["leave"] == (phase == LAST)),
        ]
        for name in ("source", "even", "restart", "silent"):
            before = Signal(name=f"{name}_before")
            m.d.sync += before.eq(self[name])
            m.d.comb += Assume((phase == 0) | (self[name] == before))
        # the rounding may change from one step to the next
        restarted, silent = Signal(), Signal()
        m.d.sync += [restarted.eq(self["restart"]), silent.eq(self["silent"])]
        m.d.comb += Assume(restarted | (self["silent"] == silent))
        return phase

    def _passed(self, m: Module, leave: Value) -> None:
        """What passes was rounded as `t` is, and is whole between two steps."""
        silent, product = self["silent"], self.product
        rounded = Mux(silent, product >> PLACES, round_shift(product, PLACES, Rounding.RND))
        lost = product[:PLACES].any()
        m.d.comb += [
            Assume(~leave | (self["passed"] == rounded)),
            Assume(~leave | (self["lost"] == (silent & lost))),
            Assume(~leave | (self["behind"] == self["passed"] - self.passed_factor)),
            Assume(~leave | ~self["restart"] | ~lost),
        ]

    def _known(self, m: Module, leave: Value) -> tuple[Signal, Signal]:
        """Return whether operands, and a wave too, were loaded since the reset."""
        loaded, known = Signal(), Signal()
        with m.If(leave):
            m.d.sync += [loaded.eq(1), known.eq(loaded)]
        return loaded, known

    def _inside(
        self,
        m: Module,
        phase: Value,
        valid: tuple[Value, Value],
        held: dict[str, Signal],
        passed: Value,
        factor: Value,
        left: Value,
    ) -> None:
        """Claim what the words rest on: what the registers hold in each cycle of a window."""
        inside, silent, fmt = self.inside, self["silent"], self.fmt
        loaded, known = valid
        other, own = held["other"], held["own"]
        rounded = Mux(silent, passed >> PLACES, round_shift(passed, PLACES, Rounding.RND))
        restarted = Signal()
        m.d.sync += restarted.eq(self["restart"])
        holds = {
            "held_own": own,
            "held_other": other,
            "held_passed": rounded,
            "held_lost": silent & passed[:PLACES].any(),
            "held_behind": rounded - factor,
            "rest": other - rounded,
            "factor_of_largest": other - fmt.max,
            "factor_of_smallest": other - fmt.min,
        }
        for name, word in holds.items():
            self.claim(m, inside[name] == word, when=loaded)
        self.claim(m, inside["limited_wave_0"] == left, when=known)
        whole = ~passed[:PLACES].any()
        self.claim(m, whole, when=loaded & (phase == 0) & restarted)
        base = Mux(self["source"], other, self["wave"] - own)
        late = loaded & (phase >= 2)
        self.claim(m, inside["base"] == base, when=late)
        self.claim(m, inside["minus_factor"] == 0 - self.factor, when=late)
        for sum_, addend in (("wave", base), ("state", 0 - own)):
            rests = {
                "rest_counts": silent,
                "half_counts": silent == 0,
                "late_base": addend,
                "raised_base": addend,
            }
            for name, word in rests.items():
                here = inside[f"round_{sum_}.{name}"]
                self.claim(m, here == word, when=loaded & (phase == LAST))
