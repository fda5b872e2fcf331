"""The kinds of fault, as patterns of emitted text."""

from __future__ import annotations

from dataclasses import dataclass

WIDER = "dropped saturation"
"""A limit is moved outward; of a signal that is proven never to reach it, nothing changes."""


@dataclass(frozen=True)
class Rule:
    """A kind of fault: what is replaced by what."""

    name: str
    pattern: str
    by: str


def _table(name: str) -> Rule:
    # the two words of a pair must differ, or nothing is broken
    return Rule(name, r"(-?\b\d+), +(-?\b(?!\1\b)\d+)", r"\2, \1")


C_RULES = (
    Rule("sign", r"(?<=\w) \+ (?=\w)", " - "),
    Rule("sign", r"(?<=\w) - (?=\w)", " + "),
    Rule("sign", r" -t,", " t,"),
    Rule("sign", r"\) - (?=sign|side|half|threshold)", ") + "),
    Rule("shift", r">> (\w+)", r">> (\1 - 1)"),
    Rule("shift", r"<< (\w+)", r"<< (\1 + 1)"),
    Rule("scale", r"\* 2;", "* 4;"),
    Rule("scale", r"\* 4;", "* 2;"),
    Rule("rounding", r", 32, 0, silent", ", 32, 0, 0"),
    Rule("rounding", r", silent\)", ", !silent)"),
    Rule("rounding", r" & t & 1", ""),
    Rule("rounding", r" & t & 1", " & 1"),
    Rule("rounding", r"silent \? (.+) : (.+);", r"silent ? \2 : \1;"),
    Rule("mask", r" & (?:-one|\(one - 1\))", ""),
    Rule("exclusive or", r" \^(=?) (?=x|sign|side|lmu)", r" |\1 "),
    Rule("port", r", 32, 1, ", ", 32, 0, "),
    Rule(WIDER, r"(\w+_(?:MIN|MAX)) (\(?-?\d+)", r"\1 \g<2>7"),
    Rule("limit", r"(\w+)_MIN, (\w+)_MAX\)", r"\1_MAX, \2_MAX)"),
    Rule("window", r"(_WINDOW) (\d+)", r"\1 (\2 + 1)"),
    Rule("window", r"(_WINDOW) (\d+)", r"\1 (\2 - 1)"),
    Rule("loop", r"= 0; (\w+) < (\w+);", r"= 1; \1 < \2;"),
    Rule("loop", r"= 0; (\w+) < (\w+);", r"= 0; \1 + 1 < \2;"),
    Rule("index", r"\[(\w+) \+ (\w+)\]", r"[\1]"),
    Rule("index", r"\[(\w+) - 2\]", r"[\1 - 1]"),
    Rule("index", r"\[2 \* (\w+)", r"[\1"),
    Rule("index", r"\[0\]", "[1]"),
    Rule("pointer", r"\*(\w+)\+\+", r"*\1"),
    Rule("pointer", r"(\w+)\+\+,", r"\1,"),
    Rule("loop", r"> 0; (\w+) -= 2", r"> 2; \1 -= 2"),
    Rule("comparison", r"==", "!="),
    Rule("mask", r"room & ~", "room & "),
    Rule("comparison", r"!= 0;", "== 0;"),
    Rule("branch", r", 1\);", ", 0);"),
    Rule("branch", r", 0\);", ", 1);"),
    Rule("reset", r"^( +)s->\w+\[i\] = 0;$", r"\1;"),
    Rule("lost write", r"^( +)\*?\w+(?:\[\w+\])* = f;$", r"\1;"),
    Rule("lost write", r"^( +)(?:w|kept|to|membrane|generators)\[.*\] = .*;$", r"\1;"),
    Rule("lost write", r"^( +)(?:\*membrane|\*spikes|x|n) [\^+]?= .*;$", r"\1;"),
    Rule(
        "lost call",
        r"^( +)lmu_(?:linear|cascade|spiking|ladder|dense|scale|copy)\w*\(s.*;$",
        r"\1;",
    ),
    _table("swapped words"),
)
V_RULES = (
    Rule("sign", r"(?<=[\w)\]}]) \+ (?=[\w$({])", " - "),
    Rule("sign", r"(?<=[\w)\]}]) - (?=[\w$({])", " + "),
    Rule("shift", r">>> (\d+)", r">>> (\1 + 1)"),
    Rule("and, or", r" && ", " || "),
    Rule("and, or", r" \|\| ", " && "),
    Rule("and, or", r"(?<=\w) & (?=\w)", " | "),
    Rule("not", r"!(\w+)", r"\1"),
    Rule("not", r"~(\w+)", r"\1"),
    Rule("comparison", r" == ", " != "),
    Rule("comparison", r" < ", " >= "),
    Rule("stale state", r"^( +\w+ <= )1'd0;$", r"\g<1>1'd1;"),
    Rule("stale state", r"^( +)(\w+) <= \d+'d0;$", r"\1;"),
    Rule("constant", r"(\d+)'d0\b", r"\1'd1"),
    Rule("constant", r"(\d+)'d1\b", r"\1'd0"),
    Rule("constant", r"(\d+)'d([2-9])\b", r"\1'd1"),
    Rule("lost write", r"^( +)\w+ <= \w+;$", r"\1;"),
    Rule("lost stall", r"(\.o_ready|\.ready|\.i_valid|\.valid)\(\w+\)", r"\1(1'd1)"),
    Rule("index", r"\[[1-9]\d*\]", "[0]"),
    Rule("choice", r" \? (\w+) : (\w+)", r" ? \2 : \1"),
    Rule("sign bit", r"\$signed\((\w+)\)", r"\1"),
)
