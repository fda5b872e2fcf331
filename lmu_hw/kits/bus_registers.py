"""Register map of the bus slaves: the one source of Verilog, C header, SystemRDL and page."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SpecError
from .kit import KitDesign

IDENTIFIER = 0x4C4D5548
"""Register ID: "LMUH"."""
ADDRESS_BITS = 7
"""Bits of a byte address."""
BUS_BITS = 32
PAIRED_BITS = 16
"""Words of as many bits or fewer also travel two in a transfer."""
MAX_WORDS = (1 << 16) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterField:
    """Bits of a register.

    Attributes
    ----------
    name : str
        Empty for a register that is a single field.
    low, width : int
        Lowest bit, and number of bits.
    about : str
    value : int or None
        Constant, or the value after a reset of what can be written; None if hardware decides.
    """

    name: str = ""
    low: int = 0
    width: int = 1
    about: str = ""
    value: int | None = None

    @property
    def high(self) -> int:
        """Highest bit."""
        return self.low + self.width - 1

    @property
    def mask(self) -> int:
        """Bits of the field in the register."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A register of 32 bits.

    Attributes
    ----------
    name : str
    offset : int
        Byte address.
    access : str
        ``constant``, ``ro`` (read), ``pop`` (read, which removes a word), ``rw`` (read and write),
        ``w1c`` (read; writing 1 clears) or ``push`` (write).
    about : str
    fields : tuple of RegisterField
    word_bits : int
        With ``push``: bits of the word; byte strobes must cover them.
    """

    name: str
    offset: int
    access: str
    about: str
    fields: tuple[RegisterField, ...]
    word_bits: int = BUS_BITS

    @property
    def readable(self) -> bool:
        """Whether a read is no error."""
        return self.access != "push"

    @property
    def writable(self) -> bool:
        """Whether a write is no error."""
        return self.access in ("rw", "w1c", "push")

    @property
    def strobes(self) -> int:
        """Byte strobes that a write must have."""
        return (1 << -(-self.word_bits // 8)) - 1 if self.access == "push" else 0

    def signal(self, field: RegisterField) -> str:
        """Return the name of a field in Verilog."""
        return "_".join(filter(None, (self.name, field.name))).lower()


def _whole(value: int | None = None, width: int = BUS_BITS) -> tuple[RegisterField, ...]:
    return (RegisterField(width=width, value=value),)


def _flags(*flags: tuple[str, str], value: int | None = None) -> tuple[RegisterField, ...]:
    return tuple(
        RegisterField(name=name, low=low, about=about, value=value)
        for low, (name, about) in enumerate(flags)
    )


def _halves(
    low: tuple[str, str, int | None], high: tuple[str, str, int | None]
) -> tuple[RegisterField, ...]:
    return tuple(
        RegisterField(name=name, low=16 * k, width=16, about=about, value=value)
        for k, (name, about, value) in enumerate((low, high))
    )


_EVENTS = (
    ("OUTPUT", "as many output words as THRESHOLD says can be read"),
    ("ROOM", "as many input words as THRESHOLD says can be written"),
    ("DONE", "a command has ended; written 1: cleared"),
    ("OVERRUN", "a word or a command was written without room, and lost; written 1: cleared"),
    ("UNDERRUN", "a word was read that was not there; written 1: cleared"),
)


def registers_of(design: KitDesign) -> tuple[Register, ...]:
    """Return the registers of a design, by offset.

    Those of pairs exist if words have 16 bits or fewer, those of high parts if state words have
    more than 32.

    Raises
    ------
    SpecError
        If a step has more words, or a word more bits, than the registers take.
    """
    program, plan = design.program, design.schedule
    if max(plan.n_in, plan.n_out) > MAX_WORDS:
        raise SpecError(
            f"the bus kits take {MAX_WORDS} words a step, not {max(plan.n_in, plan.n_out)}: "
            "instantiate the core by its streams"
        )
    into, out, state = word_shapes(design)
    if max(into[0], out[0]) > BUS_BITS:
        raise SpecError(
            f"the bus kits take words of {BUS_BITS} bits, not {max(into[0], out[0])}: "
            "instantiate the core by its streams"
        )
    return (
        *_constants(design),
        *_control(program.output_every == 0, plan.n_in, plan.n_out),
        *_state(state[0]),
        *_data(into[0], out[0]),
    )


def word_shapes(design: KitDesign) -> tuple[tuple[int, bool], ...]:
    """Return width and signedness of input, output and state words at the core's ports."""
    from ..program.integer_program import Role
    from ..rtl.lane_widths import payload_shape

    roles = (Role.INPUT, Role.OUTPUT, Role.STATE)
    shapes = [payload_shape(design.program.with_role(role)) for role in roles]
    return tuple((shape.width, shape.signed) for shape in shapes)


def n_state(design: KitDesign) -> int:
    """Return the number of state words."""
    from ..program.integer_program import Role

    return design.program.n_words(Role.STATE)


def _constants(design: KitDesign) -> tuple[Register, ...]:
    program, plan = design.program, design.schedule
    fields: list[RegisterField] = []
    kinds = (("IN", "input"), ("OUT", "output"), ("STATE", "state"))
    for k, ((what, kind), (bits, signed)) in enumerate(
        zip(kinds, word_shapes(design), strict=True)
    ):
        about = f"bits of a word of {kind}"
        fields += [
            RegisterField(name=f"{what}_BITS", low=8 * k, width=6, about=about, value=bits),
            RegisterField(
                name=f"{what}_SIGNED",
                low=8 * k + 7,
                about="its words are signed",
                value=int(signed),
            ),
        ]
    demand = RegisterField(
        name="ON_DEMAND",
        low=24,
        about="only steps that CONTROL.REQUEST asks for have an output",
        value=int(program.output_every == 0),
    )
    table = (
        ("ID", "identifies the register map", _whole(IDENTIFIER)),
        ("DIGEST", "first 32 bits of the program's digest", _whole(int(program.digest[:8], 16))),
        (
            "SHAPE",
            "words of a step",
            _halves(
                ("N_IN", "input words of a step", plan.n_in),
                ("N_OUT", "output words of a step that has an output", plan.n_out),
            ),
        ),
        ("FORMAT", "bits and signs of words", (*fields, demand)),
        ("N_STATE", "state words", _whole(n_state(design))),
    )
    return tuple(
        Register(name=name, offset=4 * k, access="constant", about=about, fields=fields)
        for k, (name, about, fields) in enumerate(table)
    )


def _control(on_demand: bool, n_in: int, n_out: int) -> tuple[Register, ...]:
    request = (("REQUEST", "the steps of the words written from now on have an output"),)
    status = _flags(
        ("OUT_VALID", "an output word can be read"),
        ("OUT_PAIR", "two output words can be read"),
        ("OUT_LAST", "the next output word is the last of its step"),
        ("IN_ROOM", "an input word can be written"),
        ("IN_PAIR", "two input words can be written"),
        ("IN_EMPTY", "the core has taken every input word"),
        ("COMMAND_READY", "a command can be written: the one before has ended"),
        ("STATE_OUT_VALID", "a state word can be read"),
        ("STATE_IN_ROOM", "a state word can be written"),
    )
    table: tuple[tuple[str, str, str, tuple[RegisterField, ...]], ...] = (
        (
            "DEPTH",
            "ro",
            "depths of the FIFOs, which are parameters",
            _halves(("IN", "words", None), ("OUT", "words", None)),
        ),
        (
            "CONTROL",
            "rw",
            "",
            _flags(
                ("RESET", "written 1: resets core, FIFOs, EVENTS and STEPS; reads 0"),
                *(request if on_demand else ()),
                value=0,
            ),
        ),
        ("STATUS", "ro", "", status),
        (
            "LEVEL",
            "ro",
            "words that can be read and written before the next read of LEVEL",
            _halves(
                ("OUT_WORDS", "output words that can be read", None),
                ("IN_ROOM", "input words that can be written", None),
            ),
        ),
        ("EVENTS", "w1c", "OUTPUT and ROOM are 1 while they are true", _flags(*_EVENTS)),
        (
            "IRQ_ENABLE",
            "rw",
            "irq is high while any event is 1 whose bit here is 1",
            _flags(*((name, "") for name, _ in _EVENTS), value=0),
        ),
        (
            "THRESHOLD",
            "rw",
            "words of the events OUTPUT and ROOM",
            _halves(("OUT_WORDS", "", n_out), ("IN_ROOM", "", n_in)),
        ),
        ("STEPS", "ro", "steps whose input the core has taken since a reset", _whole()),
        (
            "COMMAND",
            "push",
            "1 CLEAR, 2 SAVE, 3 LOAD: executed between two steps",
            _whole(width=2),
        ),
    )
    return tuple(
        Register(
            name=name,
            offset=0x14 + 4 * k,
            access=access,
            about=about,
            fields=fields,
            word_bits=2 if access == "push" else BUS_BITS,
        )
        for k, (name, access, about, fields) in enumerate(table)
    )


def _word(name: str, offset: int, bits: int, about: str, *, pop: bool) -> Register:
    return Register(
        name=name,
        offset=offset,
        access="pop" if pop else "push",
        about=about,
        # a word read is extended to all bits
        fields=_whole(width=BUS_BITS if pop else min(bits, BUS_BITS)),
        word_bits=min(bits, BUS_BITS),
    )


def _high(name: str, offset: int, bits: int, access: str) -> tuple[Register, ...]:
    if bits <= BUS_BITS:
        return ()
    when = "written before" if access == "rw" else "valid after"
    width = bits - BUS_BITS if access == "rw" else BUS_BITS
    return (
        Register(
            name=f"{name}_HIGH",
            offset=offset,
            access=access,
            about=f"bits of the word above 32, {when} {name}",
            fields=_whole(0 if access == "rw" else None, width),
        ),
    )


def _state(bits: int) -> tuple[Register, ...]:
    return (
        Register(
            name="STATE_STEP",
            offset=0x38,
            access="ro",
            about="STEPS of the state that SAVE sends; valid with its first word",
            fields=_whole(),
        ),
        _word("STATE_IN", 0x3C, bits, "a word of the state to LOAD", pop=False),
        _word("STATE_OUT", 0x40, bits, "the next word of the state saved", pop=True),
        *_high("STATE_IN", 0x44, bits, "rw"),
        *_high("STATE_OUT", 0x48, bits, "ro"),
    )


def _data(in_bits: int, out_bits: int) -> tuple[Register, ...]:
    found = [
        _word("DATA_IN", 0x50, in_bits, "an input word", pop=False),
        _word("DATA_OUT", 0x54, out_bits, "the next output word", pop=True),
    ]
    if in_bits <= PAIRED_BITS:
        found.append(
            Register(
                name="DATA_IN_PAIR",
                offset=0x60,
                access="push",
                about="two input words in one transfer",
                fields=_halves(("FIRST", "", None), ("SECOND", "", None)),
            )
        )
    if out_bits <= PAIRED_BITS:
        word = RegisterField(name="WORD", width=16, about="the word; 0 if there is none")
        left = RegisterField(name="LEFT", low=16, width=14, about="words behind it")
        last = RegisterField(name="LAST", low=30, about="it is the last of its step")
        valid = RegisterField(name="VALID", low=31, about="there was a word")
        found += [
            Register(
                name="DATA_OUT_PAIR",
                offset=0x64,
                access="pop",
                about="the next two output words; with fewer than two, none is removed (underrun)",
                fields=_halves(("FIRST", "", None), ("SECOND", "", None)),
            ),
            Register(
                name="DATA_OUT_TAGGED",
                offset=0x68,
                access="pop",
                about="the next output word, and whether there was one; never an underrun",
                fields=(word, left, last, valid),
            ),
        ]
    return tuple(found)
