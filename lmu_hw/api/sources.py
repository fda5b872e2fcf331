"""Sources of a design in float64: an LMU memory, or a trained network from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._support.array_types import Array
from .._support.build_directory import write_file
from .._support.channel import Channel
from .._support.name_lookup import member
from .._support.validation import check_positive, real_array
from ..errors import ModelFileError, SpecError
from ..measure.dataset import Dataset, load_dataset
from ..memory.delay_error import delay_error
from ..memory.discretize import discretize
from ..memory.float_memory import run_memory
from ..memory.legendre import StateSpace, decoder, state_space
from ..memory.spec import Discretizer, LMUSpec, parse
from ..models import forward
from ..models.importers import load
from ..models.importers.model_file import is_model_file, read_ranges, read_training, to_bytes
from ..models.network import Activation, FloatNetwork, Layer, retime
from ..quantize.ranges import SignalStatistics
from ..quantize.word_lengths import Widths

if TYPE_CHECKING:
    from ..quantize.network_summary import NetworkSummary


@dataclass(frozen=True)
class Memory:
    """An LMU memory in float64: ``m_t = Abar m_{t-1} + Bbar u_t``.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, 1 to 1024.
    theta : float, optional
        Window length [samples], 1 to 1e6. Default: 8 * order.
    discretizer : str
        ``"zoh"``, ``"euler"`` or ``"bilinear"``.
    substeps : int
        Bilinear steps in a sample: 1, 2, 4 or 8.
    channels : int
        Independent signals through the same memory, 1 to 64.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Voelker, Kajić, Eliasmith, NeurIPS 2019, equations 1 to 5.

    Examples
    --------
    >>> memory = Memory(6, theta=40)
    >>> m = memory.simulate([1.0] * 100)
    >>> delayed = m @ memory.decoder([1.0]).T
    >>> delayed.shape
    (100, 1)
    """

    order: int
    # an attribute is never None, as __post_init__ fills it in
    theta: float = None  # type: ignore[assignment]
    _: KW_ONLY
    discretizer: str = "zoh"
    substeps: int = 1
    channels: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", self.spec().theta)

    def spec(self, **options: object) -> LMUSpec:
        """Return the specification of a design of this memory.

        Parameters
        ----------
        **options
            Further fields of `~lmu_hw.memory.spec.LMUSpec`.

        Raises
        ------
        SpecError
            If a value is out of range.
        """
        own = {
            "order": self.order,
            "theta": self.theta,
            "discretizer": self.discretizer,
            "substeps": self.substeps,
            "channels": self.channels,
        }
        return parse({k: v for k, v in (own | options).items() if v is not None})

    def to_ss(self) -> tuple[Array, Array, Array, Array, float]:
        """Return one channel as ``(A, B, C, D, dt)``, for `scipy.signal.StateSpace`.

        Returns
        -------
        A : float array, shape (order, order)
        B : float array, shape (order, 1)
        C : float array, shape (order, order)
            The identity: the output is the state.
        D : float array, shape (order, 1)
            Zero.
        dt : float
            1.0 [samples].

        Notes
        -----
        The state of this form lags ``m`` by one sample: ``x_t = m_{t-1}``. With substeps it has one
        entry more, the preceding input, which C leaves out.

        Raises
        ------
        UnstableError
            If the discretized memory is not stable.
        """
        system, identity = self._system(), np.eye(self.order)
        A, B, C = identity + system.A, system.B[:, None].copy(), identity
        if system.B_previous is not None:
            A = np.block([[A, system.B_previous[:, None]], [np.zeros((1, self.order + 1))]])
            B, C = np.vstack([B, [[1.0]]]), np.hstack([identity, np.zeros((self.order, 1))])
        return A, B, C, np.zeros((self.order, 1)), 1.0

    def simulate(self, u: npt.ArrayLike) -> Array:
        """Run the memory in float64 from its zero state.

        Parameters
        ----------
        u : array_like of float, shape (n_steps,) or (n_steps, channels)

        Returns
        -------
        float array, shape (n_steps, channels * order)
            ``m`` at every step, channel after channel.

        Raises
        ------
        SpecError
            If the shape is wrong.
        UnstableError
            If the discretized memory is not stable.
        """
        inputs = real_array("u", u)
        if inputs.ndim == 1 and self.channels == 1:
            inputs = inputs[:, None]
        if inputs.ndim != 2 or inputs.shape[1] != self.channels:
            raise SpecError(
                f"u has shape {inputs.shape} but should be (n_steps, {self.channels}); "
                "give one column for each channel"
            )
        return run_memory(self._system(), inputs).reshape(len(inputs), -1)

    def decoder(self, delays: npt.ArrayLike) -> Array:
        """Return the rows that decode delayed inputs from one channel's ``m`` (equation 3).

        Parameters
        ----------
        delays : array_like of float, shape (k,)
            Fractions of theta, 0 (newest) to 1 (oldest).

        Returns
        -------
        float array, shape (k, order)

        Raises
        ------
        SpecError
            If a delay is out of range.
        """
        return decoder(self.order, _fractions(delays))

    def delay_error(self, bandwidth: float, delays: npt.ArrayLike | None = None) -> float:
        """Return the NRMSE of decoded delays of band-limited input in float64.

        Parameters
        ----------
        bandwidth : float
            Highest frequency of the input, whose spectrum is flat [cycles/sample], > 0, <= 0.5.
        delays : array_like of float, shape (k,), optional
            Fractions of theta, 0 to 1. Default: the mean over the whole window.

        Notes
        -----
        A constant lead is no error: a delay is decoded half a sample early by zoh and by bilinear
        without substeps, a sample early by euler, and truly with substeps.

        Raises
        ------
        SpecError
            If a value is out of range.
        UnstableError
            If the discretized memory is not stable.
        """
        taps = () if delays is None else tuple(_fractions(delays))
        return delay_error(self.spec(), bandwidth, taps)

    def _system(self) -> StateSpace:
        spec = self.spec()
        return discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network in float64.

    Parameters
    ----------
    model : FloatNetwork
        The layers, from `load_model` or ``lmu_hw.train.export``.
    name : str
        Title in reports and in the headers of generated files.
    ranges : mapping of str to SignalStatistics
        Calibrated ranges of all signals; empty where the model file holds none.
    widths : Widths or None
        Word lengths that training as integers had; `compile` takes them by default.
    """

    model: FloatNetwork
    name: str = "network"
    ranges: dict[str, SignalStatistics] = field(default_factory=dict, repr=False)
    widths: Widths | None = None

    @classmethod
    def from_layers(
        cls,
        *layers: Layer,
        names: Sequence[str] | None = None,
        every_step: bool = True,
        name: str = "network",
    ) -> Network:
        """Return a network of layers: those of ``lmu_hw.layers`` with arrays of your own.

        Parameters
        ----------
        *layers : Layer
            From the input to the output.
        names : sequence of str, optional
            Of the layers, for reports. Default: ``"layer 1"`` and so on.
        every_step : bool
            Whether the network has an output at every step, or at the last one only.
        name : str
            Title in reports and in the headers of generated files.

        Raises
        ------
        SpecError
            If a width is not that of the layer before, or names are not as many as layers.

        Examples
        --------
        >>> from lmu_hw import layers
        >>> memory = layers.LMULayer(memory=layers.LinearMemory(order=4, theta=20), n_in=1)
        >>> Network.from_layers(memory).predict(np.ones((1, 50, 1))).shape
        (1, 50, 4)
        """
        if names is None:
            names = [f"layer {k}" for k in range(1, len(layers) + 1)]
        return cls(FloatNetwork(names=tuple(names), layers=layers, every_step=every_step), name)

    def predict(self, x: npt.ArrayLike) -> Array:
        """Run the network in float64, every sequence from the zero state.

        Parameters
        ----------
        x : array_like of float, shape (n_sequences, n_steps, n_in)

        Returns
        -------
        float array, shape (n_sequences, n_steps, n_out), or (n_sequences, n_out)
            The second shape where the network has an output at the last step only.

        Raises
        ------
        SpecError
            If the shape is wrong.
        UnstableError
            If a memory is not stable.
        """
        return forward.run(self.model, real_array("x", x))

    def summary(self, rate: float | None = None) -> NetworkSummary:
        """Return the layers, windows, parameters and multiplies.

        Parameters
        ----------
        rate : float, optional
            Sample rate [samples/s]: windows are then given in seconds too.
        """
        from ..quantize.network_summary import report

        return report(self.model, rate)

    def retime(self, dt_ratio: float) -> Network:
        """Return the network for another sample rate, with the same weights.

        Parameters
        ----------
        dt_ratio : float
            New time step over old time step, > 0.

        Raises
        ------
        SpecError
            If a memory's matrix was trained, so that it has no theta.
        """
        return replace(self, model=retime(self.model, dt_ratio))

    def with_channels(
        self,
        *,
        inputs: Sequence[Channel] | None = None,
        outputs: Sequence[Channel] | None = None,
    ) -> Network:
        """Return the network with names, units and scales of its inputs and outputs.

        `save` writes them to the model file.

        Parameters
        ----------
        inputs, outputs : sequence of Channel, optional
            One for each element. Default: as they are.

        Raises
        ------
        FormatError
            If there are not as many as elements, or a name occurs twice.
        """
        given = {"inputs": as_channels(inputs), "outputs": as_channels(outputs)}
        model = replace(self.model, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
        return replace(self, model=model)

    def save(self, path: str | Path, *, dtype: str = "float64") -> None:
        """Write the network as one neutral ``.npz`` file without pickles.

        Parameters
        ----------
        path : str or Path
        dtype : str
            ``"float64"``, ``"float32"`` or ``"float16"``: the type that weights are rounded to. The
            words that a program quantizes them to may differ with the smaller types.

        Raises
        ------
        SpecError
            If the name does not end in ``.npz``, the type is another, or too small for a weight.
        EmitError
            If the file cannot be written.
        """
        if Path(path).suffix != ".npz":
            raise SpecError(f"path must end in .npz, not {str(path)!r}")
        ranges = {name: (s.peak, s.power) for name, s in self.ranges.items()}
        training = None if self.widths is None else {"widths": asdict(self.widths)}
        write_file(
            Path(path),
            lambda file: file.write(to_bytes(self.model, ranges, dtype, training=training)),
        )


def load_model(
    path: str | Path,
    *,
    theta: float | None = None,
    discretizer: str | None = None,
    activation: str | None = None,
    activations: Sequence[str] | None = None,
    config: str | Path | None = None,
    notes: list[str] | None = None,
) -> Network:
    """Return the network in a Keras, PyTorch, safetensors or NumPy file.

    Parameters
    ----------
    path : str or Path
        A .keras, .h5, .hdf5, .weights.h5, .npz, .safetensors or PyTorch file. Nothing is unpickled
        or executed.
    theta : float, optional
        Window length [samples], for files that do not hold it.
    discretizer : str, optional
        ``"zoh"``, ``"euler"`` or ``"bilinear"``, for files that do not hold it.
    activation : str, optional
        Activation of the cells in a file of bare arrays. Default: tanh.
    activations : sequence of str, optional
        Activations of the linear layers in such a file, in order. Default: linear for one layer.
    config : str or Path, optional
        Keras's JSON configuration (``model.to_json()``), for files that hold weights only.
    notes : list of str, optional
        A line is appended for every assumption and reinterpretation.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or of no known format.
    SpecError
        If an option is not valid.
    """
    path = Path(path)
    kind = None
    if discretizer is not None:
        kind = member("discretizer", discretizer, Discretizer)
    cell = None if activation is None else cell_activation(activation)
    each = None if activations is None else [layer_activation(name) for name in activations]
    model = load(
        path,
        spec=None if config is None else Path(config),
        theta=None if theta is None else check_positive("theta", theta),
        discretizer=kind,
        activation=cell,
        activations=each,
        note=(lambda text: None) if notes is None else notes.append,
    )
    known = read_ranges(path) if path.suffix == ".npz" and is_model_file(path) else {}
    ranges = {
        signal: SignalStatistics(peak=peak, power=power) for signal, (peak, power) in known.items()
    }
    name = path.name.removesuffix(path.suffix).removesuffix(".weights")
    return Network(model, name, ranges, trained_widths(path))


def trained_widths(path: Path) -> Widths | None:
    """Return the word lengths that a model file's weights were trained for, if it says so."""
    widths = read_training(path)[0].get("widths")
    try:
        return None if widths is None else Widths.of(widths)
    except (TypeError, AttributeError, SpecError) as error:
        raise ModelFileError(f"{path} is a damaged model: widths; save it again") from error


def load_data(path: str | Path, network: Network) -> Dataset:
    """Return the sequences of a ``.npz`` file, and their labels or targets, for a network.

    Raises
    ------
    ModelFileError
        If the file is damaged, or its shapes are not the network's.
    """
    return load_dataset(Path(path), network.model)


def as_channels(channels: Sequence[Channel] | None) -> tuple[Channel, ...] | None:
    """Return channels from a caller as a tuple.

    Raises
    ------
    SpecError
        If they are not a list of `Channel`.
    """
    if channels is None:
        return None
    if not isinstance(channels, list | tuple) or not all(isinstance(c, Channel) for c in channels):
        raise SpecError("inputs and outputs must be lists of Channel, one for each word")
    return tuple(channels)


def cell_activation(name: str) -> Activation:
    """Return the activation of a cell by its name; softmax is not allowed.

    Raises
    ------
    SpecError
        If the name is not known.
    """
    known = [a for a in Activation if a is not Activation.SOFTMAX]
    return _of(known, "activation", name)


def layer_activation(name: str) -> Activation:
    """Return the activation of a linear layer by its name.

    Raises
    ------
    SpecError
        If the name is not known.
    """
    return _of(list(Activation), "activations", name)


def _fractions(delays: npt.ArrayLike) -> Array:
    """Return delays as an array of fractions of theta."""
    fractions = np.atleast_1d(real_array("delays", delays))
    if fractions.ndim != 1 or np.any((fractions < 0) | (fractions > 1)):
        raise SpecError("delays must be a list of fractions of theta, each from 0 to 1")
    return fractions


def _of(known: Sequence[Activation], option: str, name: str) -> Activation:
    for activation in known:
        if activation.value == name.strip():
            return activation
    raise SpecError(
        f"{option} must be one of {', '.join(a.value for a in known)}, not {name[:80]!r}"
    )
