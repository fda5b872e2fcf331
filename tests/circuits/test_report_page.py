"""The report of an analog memory: its figures are those of the design, its pictures are files."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.monte_carlo import MonteCarloReport
from lmu_hw.circuits.report_data import ReportData, draw_units
from lmu_hw.circuits.report_page import markdown_table, report_files, report_page
from lmu_hw.circuits.report_pictures import draw_tolerance, pictures_of
from lmu_hw.circuits.request import make_request

pytest.importorskip("matplotlib")
pytest.importorskip("schemdraw")


@cache
def data_of(**options: object) -> ReportData:
    design = make_design(make_request(3, "1ms", (0.5, 1.0), **options))
    return ReportData(design=design, units=draw_units(design, 20))


@cache
def files_of() -> dict[str, bytes]:
    return report_files(data_of())


def page_of(**options: object) -> str:
    return report_page(data_of(**options), ["tolerance.svg"])


def percents(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"([\d.e-]+) %", text)]


def test_the_first_sentence_is_the_result() -> None:
    text = page_of().splitlines()
    assert text[0] == "# Analog memory: d = 3, theta = 1 ms"
    assert text[2].startswith("**The 2 taps are within ")
    assert percents(text[2])[0] == pytest.approx(100 * data_of().design.fit.total, rel=0.05)
    assert "op-amps MCP6024 of 10 MHz" in text[2]
    # that the full scale is of nominal parts is said where it is explained
    assert "Tolerances and offsets add to it" in page_of()


def test_every_tap_has_a_row_with_the_errors_of_the_design() -> None:
    fit, rows = data_of().design.fit, page_of().splitlines()
    for k, node in enumerate(("tap1", "tap2")):
        cells = next(row for row in rows if row.startswith(f"| {node} | ")).split(" | ")
        assert cells[1] == ("500 us", "1 ms")[k]
        assert percents(cells[2]) == [pytest.approx(100 * fit.fitted_error[k], rel=0.05)]
        assert percents(cells[3]) == [pytest.approx(100 * fit.error[k], rel=0.05)]


def test_every_picture_is_a_file_and_every_file_is_shown() -> None:
    shown = set(re.findall(r"\]\((pictures/\w+\.svg)\)", page_of()))
    assert shown == set(files_of()) - {"report.md"}
    assert len(shown) == 6
    for name in shown:
        ElementTree.fromstring(files_of()[name])
        assert b"<dc:date>" not in files_of()[name]


def test_the_same_design_gives_the_same_bytes() -> None:
    assert report_files(data_of()) == files_of()


def test_pictures_show_what_the_data_holds() -> None:
    data = data_of()
    assert b"limit 2.48 V" in files_of()["pictures/range.svg"]
    assert all(node.encode() in files_of()["pictures/range.svg"] for node in data.swings)
    assert max(data.swings.values()) == pytest.approx(data.design.request.limit)
    assert b"tap2: 1 ms" in files_of()["pictures/delays.svg"]
    assert b"of 20" in files_of()["pictures/tolerance.svg"]


def test_data_is_that_of_the_fit() -> None:
    """The curves of the error picture are the responses whose errors the design states."""
    data = data_of()
    r, request = data.responses, data.design.request
    band = r.frequencies <= request.bandwidth * (1 + 1e-9)
    for curve, total in ((r.fitted, "fitted_total"), (r.built, "total")):
        error = np.sqrt(np.mean(np.abs(curve - r.memory)[band] ** 2))
        assert error == pytest.approx(getattr(data.design.fit, total), rel=0.1)


def test_taps_over_time_settle_at_the_step() -> None:
    step = data_of().step
    assert step.u[0] == 0.0
    assert step.u[-1] == data_of().design.full_scale
    assert np.abs(step.built[-1] - step.u[-1]).max() < 0.02 * step.u[-1]
    assert np.abs(step.memory[-1] - step.u[-1]).max() < 0.01 * step.u[-1]


def test_ideal_parts_have_no_offsets_and_no_series() -> None:
    text = page_of(opamp="ideal", series="exact")
    assert "exact resistors and ideal op-amps" in text
    assert "neither offset nor bias" in text
    assert "rounded to the series" not in text
    assert "| not known |" in text


def test_a_circuit_of_a_chip_is_described_as_one() -> None:
    text = page_of(form="gm-c")
    assert "transconductances of E96" in text
    # of no op-amp
    for word in ("headroom", "slew rate", "Poles of amplifiers", "resistors of"):
        assert word not in text, word
    assert "transconductors are taken to have no offset" in text
    assert "op-amp" not in text.split("## Left out")[0].replace("op-amp, ", "")
    assert "lmu.net" not in text
    assert "amplifiers.lib" not in text


def test_without_units_there_is_no_section_on_tolerances() -> None:
    data = ReportData(design=data_of().design)
    assert "## Tolerances" not in report_page(data, pictures_of(data))
    assert "tolerance.svg" not in pictures_of(data)


def unstable(units: MonteCarloReport, n: int) -> ReportData:
    errors = np.concatenate([np.full(n, np.inf), units.errors[n:]])
    units = replace(units, errors=errors, calibrated_errors=None, unstable=n)
    return ReportData(design=data_of().design, units=units)


@pytest.mark.parametrize("n", [10, 20])
def test_unstable_units_are_counted(n: int) -> None:
    units = data_of().units
    assert units is not None
    data = unstable(units, n)
    text = report_page(data, pictures_of(data))
    assert f"{n} of them are unstable" in text
    assert "| unstable |" in text
    # of stable units alone
    assert ("tolerance.svg" in pictures_of(data)) == ("tolerance.svg" in text) == (n < 20)
    if n < 20:
        (axes,) = draw_tolerance(data).axes
        assert sum(bar.get_height() for bar in axes.patches) == 20 - n


def test_tables_are_markdown() -> None:
    assert markdown_table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_summary_states_the_worst_tap() -> None:
    data = data_of()
    text = page_of()
    noise = re.search(r"at least (\d+) dB below", text)
    offset = re.search(r"up to ([\d.]+) mV, ([\d.]+) % of full scale", text)
    assert noise is not None
    assert offset is not None
    below = data.noise.below(data.design.full_scale)
    assert int(noise[1]) == round(below.min()) < round(below.max())
    assert float(offset[1]) == pytest.approx(1e3 * data.direct.worst[:2].max(), rel=0.01)
