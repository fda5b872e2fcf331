"""Search for the cheapest word lengths that keep a network's accuracy.

Each width in turn is reduced as far as the allowed loss permits, by bisection: the weights of all
layers, every other width, then the weights of each layer alone; repeated until no width changes.
All evaluated points are kept; the Pareto-optimal ones form the trade-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import SpecError
from ..models.network import FloatNetwork, arrays
from ..program.size import ram_bits, rom_bits
from ..quantize.quantize_network import QuantizedNetwork
from ..quantize.word_lengths import Widths
from .dataset import Dataset
from .evaluate import Outputs, engine_data, metrics, run_floats, run_integers
from .evaluation import Checked, EngineReport

LADDERS = {
    "weight_bits": (2, 3, 4, 5, 6, 7, 8, 10, 12, 16),
    "act_bits": (4, 5, 6, 7, 8, 10, 12, 16),
    "state_bits": (8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32),
    "coef_bits": (4, 6, 8, 10, 12, 16),
}
"""Widths that are tried; the width of the input does not change the cost."""
WIDEST = Widths(weight_bits=16, act_bits=16, coef_bits=16, state_bits=None, input_bits=16)
MAX_ROUNDS = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class DesignPoint:
    """Evaluated word lengths.

    Attributes
    ----------
    widths : Widths
        ``state_bits`` as chosen.
    score : float
        Accuracy, or NRMSE.
    loss : float
        Score lost against the float network.
    rom_bits, ram_bits : int
    multiplies : int
        Multiplies of a step with an output.
    keeps : bool
        The loss is within the allowed loss.
    """

    widths: Widths
    score: float
    loss: float
    rom_bits: int
    ram_bits: int
    multiplies: int
    keeps: bool

    @property
    def cost(self) -> tuple[int, int]:
        """Memory [bits], then multiplies."""
        return self.rom_bits + self.ram_bits, self.multiplies


@dataclass(slots=True)
class Tuner:
    """A search; its attributes are valid while it runs.

    Parameters
    ----------
    design : callable
        Takes widths, returns a `~lmu_hw.quantize.quantize_network.QuantizedNetwork`.
    dataset : Dataset
        With labels or targets.
    max_loss : float
        Largest allowed decrease of accuracy, or increase of NRMSE.
    engine : str
        See `~lmu_hw.measure.evaluate.evaluate`.
    checked : Checked, optional
        Words of compiled C that equal the interpreter's, of all points so far.
    """

    design: Callable[[Widths], QuantizedNetwork]
    dataset: Dataset
    max_loss: float
    engine: str = "auto"
    points: dict[Widths, DesignPoint] = field(default_factory=dict)
    floats: Outputs | None = None
    target: float = 0.0
    checked: Checked | None = None

    def run(self) -> Iterator[DesignPoint]:
        """Search; yield every point when it is evaluated.

        Raises
        ------
        SpecError
            If even the widest words lose more than allowed.
        MismatchError
            If compiled C and the interpreter differ in a word of the sample that both run.
        """
        widest = self.design(WIDEST)
        self.floats = run_floats(widest, self.dataset)
        self.target = self._score(self.floats)
        best = self._try(WIDEST)
        yield best
        if not best.keeps:
            raise SpecError(
                f"even 16-bit words lose {100 * best.loss:.3g} % of {100 * self.target:.4g} %: "
                "allow more with --max-loss, or calibrate on more data"
            )
        for _ in range(MAX_ROUNDS):
            before = best
            for rungs in self._moves(widest.network):
                for point in self._lowest(rungs(best.widths)):
                    yield point
                    if point.keeps and point.cost < best.cost:
                        best = point
            if best is before:
                break

    @property
    def best(self) -> DesignPoint:
        """The cheapest point so far that keeps the accuracy."""
        return min((p for p in self.points.values() if p.keeps), key=lambda p: p.cost)

    @property
    def ran(self) -> EngineReport:
        """The engine that ran the programs, at all points so far."""
        return engine_data(self.checked)

    def pareto(self) -> list[DesignPoint]:
        """Return the Pareto-optimal points in loss and cost, cheapest first."""
        ordered = sorted(self.points.values(), key=lambda p: (p.cost, p.loss))
        front: list[DesignPoint] = []
        for point in ordered:
            if not front or point.loss < front[-1].loss:
                front.append(point)
        return front

    def _moves(self, network: FloatNetwork) -> Iterator[Callable[[Widths], list[Widths]]]:
        """Yield functions from widths to narrower ones, narrowest first, for one width each."""
        for name, ladder in LADDERS.items():
            yield lambda widths, name=name, ladder=ladder: [  # type: ignore[misc]
                replace(widths, **{name: bits}, **_FORGET.get(name, {}))
                for bits in _below(ladder, getattr(widths, name))
            ]
        weighted = [k for k, layer in enumerate(network.layers) if any(arrays(layer))]
        for k in weighted if len(weighted) > 1 else ():
            yield lambda widths, k=k: _narrower_layer(widths, k, len(network.layers))  # type: ignore[misc]

    def _lowest(self, rungs: list[Widths]) -> Iterator[DesignPoint]:
        """Yield the points of a bisection for the lowest rung that keeps the accuracy."""
        low, high = 0, len(rungs)
        while low < high:
            middle = (low + high) // 2
            known = rungs[middle] in self.points
            try:
                point = self.points[rungs[middle]] if known else self._try(rungs[middle])
            except SpecError:
                # words this narrow cannot hold their signals
                low = middle + 1
                continue
            if not known:
                yield point
            if point.keeps:
                high = middle
            else:
                low = middle + 1

    def _try(self, widths: Widths) -> DesignPoint:
        design = self.design(widths)
        outputs = run_integers(design, self.dataset, self.engine)
        if outputs.checked is not None:
            before = 0 if self.checked is None else self.checked.words
            self.checked = replace(outputs.checked, words=before + outputs.checked.words)
        score = self._score(outputs)
        loss = self.target - score if self.dataset.labels is not None else score - self.target
        program = design.program
        point = DesignPoint(
            widths=design.widths,
            score=score,
            loss=loss,
            rom_bits=rom_bits(program),
            ram_bits=ram_bits(program),
            multiplies=program.multiplies_per_step + program.multiplies_per_output,
            keeps=loss <= self.max_loss + 1e-12,
        )
        self.points[widths] = self.points[design.widths] = point
        return point

    def _score(self, outputs: Outputs) -> float:
        score = metrics(self.dataset, outputs).score
        assert score is not None, "tune takes data with labels or targets"
        return score


_FORGET: dict[str, dict[str, tuple[int, ...]]] = {"weight_bits": {"layer_weight_bits": ()}}
"""Fields that a width resets: the width of all layers replaces those of each layer."""


def _below(ladder: tuple[int, ...], now: int | None) -> list[int]:
    return [bits for bits in ladder if now is None or bits < now]


def _narrower_layer(widths: Widths, k: int, n_layers: int) -> list[Widths]:
    """Return widths with fewer bits for the weights of layer ``k``, counted from 0."""
    each = widths.layer_weight_bits or (widths.weight_bits,) * n_layers
    return [
        replace(widths, layer_weight_bits=(*each[:k], bits, *each[k + 1 :]))
        for bits in _below(LADDERS["weight_bits"], each[k])
    ]
