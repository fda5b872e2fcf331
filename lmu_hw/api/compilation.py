"""`compile`: quantizes a memory or a network in float64 to a `Design`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy.typing as npt

from .._support.channel import Channel, check_channels
from .._support.validation import check_int, check_positive, check_real
from ..errors import CertificateError, SpecError
from ..measure.tune import DesignPoint, Tuner
from ..memory.neurons import KEYS, NeuronModel
from ..memory.spec import LMUSpec, RealizationKind
from ..models.network import FloatNetwork
from ..program.integer_program import MAX_OUTPUT_EVERY
from ..proof.certificate import require_proof as check_proof
from ..quantize.calibration import Calibration
from ..quantize.channels import output_channels, with_channels
from ..quantize.memory_design import QuantizedMemory
from ..quantize.quantize_memory import candidates, quantize_memory
from ..quantize.word_lengths import Widths
from .design import Data, Design, as_dataset
from .sources import Memory, Network, as_channels

CALIBRATION_SEQUENCES = 256
"""Most sequences that ranges are calibrated on."""

MEMORY_WIDTHS = ("coef_bits", "weight_bits", "state_bits")
"""Widths that a memory takes beside ``bits``."""

NEURON_OPTIONS = (*KEYS, "accuracy", "bandwidth")
"""Options of a spiking memory."""

WidthsLike = Widths | Mapping[str, int | None]
NeuronsLike = int | Mapping[str, int | float | str]


def compile(
    source: Memory | Network | FloatNetwork | LMUSpec,
    *,
    bits: int | None = None,
    widths: WidthsLike | None = None,
    calibration: Data | Calibration | None = None,
    output: str = "memory",
    realization: str = "auto",
    neurons: NeuronsLike | None = None,
    output_every: int | None = None,
    name: str = "lmu",
    require_proof: bool = False,
    inputs: Sequence[Channel] | None = None,
    outputs: Sequence[Channel] | None = None,
) -> Design:
    """Quantize a memory or a network to a `Design`.

    Parameters
    ----------
    source : Memory, Network, FloatNetwork or LMUSpec
        An `LMUSpec` holds all options itself: leave out the other options.
    bits : int, optional
        Of a memory: width of input and output words, 4 to 24 (default 16); the RMS error of every
        output word stays within one LSB. Of a network: width of weights, layer outputs and input,
        4 to 16. Default of a network: those it was trained for, or weights 8 bits, the others 16.
    widths : Widths or mapping, optional
        Single widths. Of a memory: ``coef_bits``, ``weight_bits``, ``state_bits``; a width left out
        is as large as the error budget needs.
    calibration : Dataset, array of shape (n_sequences, n_steps, n_in) or Calibration, optional
        Inputs like those of the application; a network's ranges without a proof are calibrated on
        them. Default: the ranges in the model file, or noise within +-1.
    output : str
        Of a memory: ``"memory"``, ``"state"`` or ``"taps=0,0.5,1"`` (delays in fractions of theta).
    realization : str
        Of a memory: ``"auto"``, ``"cascade"``, ``"ladder"`` (bilinear), ``"dense"`` or
        ``"spiking"``.
    neurons : int or mapping, optional
        Of a spiking memory: most neurons of a channel, or a mapping with any of ``neurons``,
        ``neuron_model`` (``"integrate-fire"`` or ``"poisson"``), ``seed``, ``generators``,
        ``accuracy`` and ``bandwidth``, as `~lmu_hw.memory.spec.LMUSpec` has them.
    output_every : int, optional
        Of a network: steps from output to output; 0: on demand (the last step). Default: as the
        network was trained.
    name : str
        Prefix of files, Verilog modules and C names.
    require_proof : bool
        Accept only a design whose recurrent signals are all proven to stay in their formats.
    inputs, outputs : sequence of Channel, optional
        Name, unit, scale and offset of each input and output word; words do not depend on them.
        Default: those of the network; the outputs of a memory follow from its inputs.

    Raises
    ------
    FormatError
        If there are not as many channels as words.
    SpecError
        If an option is out of range, or the error budget cannot be met; the message has the remedy.
    UnstableError
        If the discretized memory is not stable.
    CertificateError
        With ``require_proof``, if a signal is not proven.

    Examples
    --------
    >>> design = compile(Memory(6, theta=40), bits=12)
    >>> design.error < 1.0
    True
    """
    if isinstance(source, LMUSpec):
        defaults = (bits, widths, calibration, output_every, neurons, output, realization, name)
        if defaults != (None, None, None, None, None, "memory", "auto", "lmu"):
            raise SpecError("an LMUSpec holds every option: leave out those beside it")
        return _compile_memory(source, require_proof, inputs, outputs)
    if isinstance(source, Memory):
        if calibration is not None or output_every is not None:
            raise SpecError("calibration and output_every must be left out for a memory")
        given: dict[str, Any] = {} if widths is None else _as_mapping(widths, MEMORY_WIDTHS)
        given |= _neuron_options(neurons)
        spec = source.spec(bits=bits, output=output, realization=realization, name=name, **given)
        return _compile_memory(spec, require_proof, inputs, outputs)
    if output != "memory" or realization != "auto" or neurons is not None:
        raise SpecError("output, realization and neurons must be left out for a network")
    if isinstance(source, FloatNetwork):
        source = Network(source)
    if not isinstance(source, Network):
        raise SpecError(
            f"source must be a Memory, a Network or an LMUSpec, not {type(source).__name__}; "
            "load_model reads a file"
        )
    network = source.with_channels(inputs=inputs, outputs=outputs)
    chosen = network.widths
    if chosen is None or bits is not None or widths is not None:
        chosen = _network_widths(bits, widths)
    calibrated = (
        calibration if isinstance(calibration, Calibration) else calibrate(network, calibration)
    )
    if output_every is None:
        output_every = 1 if network.model.every_step else 0
    check_int("output_every", output_every, 0, MAX_OUTPUT_EVERY)
    quantized = calibrated.design(
        chosen, title=title(network, chosen), name=name, output_every=output_every
    )
    model = network.model
    quantized = replace(
        quantized,
        network=replace(quantized.network, inputs=model.inputs, outputs=model.outputs),
        program=with_channels(quantized.program, model.inputs, model.outputs),
    )
    design = Design(quantized=quantized)
    if require_proof:
        _require_proof(design)
    return design


def calibrate(
    network: Network, data: Data | None = None, *, input_peak: float | None = None
) -> Calibration:
    """Return the calibrated ranges of a network's signals.

    Parameters
    ----------
    network : Network
    data : Dataset or array, shape (n_sequences, n_steps, n_in), optional
        At most 256 sequences are run, evenly spaced. Default: the ranges in the model file, or
        noise.
    input_peak : float, optional
        Largest magnitude of the input, > 0. Default: that of the data, or 1.

    Raises
    ------
    SpecError
        If the peak or the shape of the data is wrong.
    """
    if input_peak is not None:
        check_positive("input_peak", input_peak)
    if data is None and input_peak is None and network.ranges:
        return Calibration(network.model, known=network.ranges)
    if data is None:
        return Calibration(network.model, None, input_peak)
    dataset = as_dataset(data, None, network.model).sample(CALIBRATION_SEQUENCES)
    return Calibration(network.model, dataset.sequences, input_peak)


def tune(
    network: Network,
    data: Data,
    y: npt.ArrayLike | None = None,
    *,
    calibration: Data | None = None,
    max_loss: float = 0.002,
) -> list[DesignPoint]:
    """Return the Pareto-optimal word lengths in memory and accuracy, cheapest first.

    Parameters
    ----------
    network : Network
    data : Dataset or array, shape (n_sequences, n_steps, n_in)
        A `Dataset` holds labels or targets; an array needs ``y``.
    y : array_like, optional
        Labels or targets.
    calibration : Dataset or array, optional
        Calibration data. Default: ``data``.
    max_loss : float
        Largest loss of accuracy, or increase of NRMSE, 0 to 1.

    Returns
    -------
    list of DesignPoint
        The first with ``keeps`` true is the cheapest that keeps the accuracy.

    Raises
    ------
    SpecError
        If even 16-bit words lose more, or there are no labels or targets.
    """
    dataset = as_dataset(data, y, network.model)
    if dataset.labels is None and dataset.targets is None:
        raise SpecError("data must have labels or targets: give y")
    if not 0 <= check_real("max_loss", max_loss) < 1:
        raise SpecError(f"max_loss must be from 0 to below 1, not {max_loss!r}")
    calibrated = calibrate(network, dataset if calibration is None else calibration)
    tuner = Tuner(
        design=lambda widths: compile(network, widths=widths, calibration=calibrated).network,
        dataset=dataset,
        max_loss=max_loss,
    )
    for _ in tuner.run():
        pass
    return tuner.pareto()


def title(network: Network, widths: Widths) -> str:
    """Return the title of a network's program: its name and word lengths."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in network.name)
    return (
        f"network {name[:80]}: weights {widths.weights_text}, "
        f"activations {widths.act_bits}, memory coefficients {widths.coef_bits} bits"
    )


def _compile_memory(
    spec: LMUSpec,
    proven: bool,
    inputs: Sequence[Channel] | None,
    outputs: Sequence[Channel] | None,
) -> Design:
    """Return the design of a memory; with ``proven``, the first realization with a full proof."""
    own, made = as_channels(inputs), as_channels(outputs)
    if own is not None:
        check_channels("the input", own, spec.channels)
        made = output_channels(spec, own) if made is None else made

    def design_of(quantized: QuantizedMemory) -> Design:
        program = with_channels(quantized.program, own, made)
        return Design(quantized=replace(quantized, program=program))

    if not proven:
        return design_of(quantize_memory(spec))
    tried: list[str] = []
    refused: CertificateError | None = None
    for quantized in candidates(spec):
        try:
            design = design_of(quantized)
            _require_proof(design)
        except CertificateError as error:
            tried.append(quantized.realization.value)
            refused = refused or error
        else:
            return design
    assert refused is not None
    claim = f"{refused.claim} (tried {' and '.join(tried)}{_others(spec)})"
    raise CertificateError(refused.signal, claim)


def _others(spec: LMUSpec) -> str:
    """Return what may have a proof where the realization asked for has none."""
    if spec.realization is RealizationKind.AUTO:
        return ""
    if spec.realization is RealizationKind.SPIKING:
        poisson = spec.neuron_model is NeuronModel.POISSON
        return f": {'--neuron-model integrate-fire' if poisson else 'more --neurons'} may have one"
    return ": --realization auto tries others"


def _require_proof(design: Design) -> None:
    check_proof(design.certificate())


def _network_widths(bits: int | None, widths: WidthsLike | None) -> Widths:
    if isinstance(widths, Widths):
        if bits is not None:
            raise SpecError("bits must be left out where a Widths gives every width")
        return widths
    same = {} if bits is None else dict.fromkeys(("weight_bits", "act_bits", "input_bits"), bits)
    known = [f.name for f in fields(Widths)]
    return Widths(**same | _as_mapping(widths or {}, known))  # type: ignore[arg-type]


def _neuron_options(neurons: NeuronsLike | None) -> dict[str, Any]:
    if neurons is None:
        return {}
    if not isinstance(neurons, Mapping):
        return {"neurons": neurons}
    for name in neurons:
        if name not in NEURON_OPTIONS:
            raise SpecError(
                f"keys of neurons must be among {', '.join(NEURON_OPTIONS)}, not {name!r}"
            )
    return dict(neurons)


def _as_mapping(widths: WidthsLike, known: Sequence[str]) -> dict[str, int | None]:
    if isinstance(widths, Widths):
        return {name: getattr(widths, name) for name in known}
    for name in widths:
        if name not in known:
            raise SpecError(f"widths must be of {', '.join(known)}, not {name!r}")
    return dict(widths)
