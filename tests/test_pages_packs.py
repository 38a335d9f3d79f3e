"""What packs add to pages and reports, and the files that are given to them."""

from __future__ import annotations

import types

import pandas as pd
import pytest

import spcbench
from spcbench.errors import InputError, OptionError, PackError, PluginError
from spcbench.measures.measure import Field, Measure
from spcbench.plugin import Pack, PluginHost, hookimpl
from spcbench.report import Section

WARM = Measure(id="warm", title="Warm", eligible="a", met="a", better="higher")
MONTHS = pd.date_range("2024-01-01", periods=14, freq="MS")


def told(page):
    words = [f"{page.kind} {page.unit} {'+'.join(page.members)}", f"{page.last:%Y-%m}"]
    words += [f"{name}: {path.read_text()}" for name, path in page.files.items()]
    words.append("+".join(sorted(set(page.counts["measure"]))))
    return [Section(title="Added", text=words)]


def pack(**given):
    made = {"id": "care", "title": "Care", "version": "1", "record": "baby", "sections": told}
    made |= {
        "fields": (Field(name="a", type="boolean"),),
        "measures": (WARM,),
        "files": {"kept": "notes"},
    }
    return Pack(**(made | given))


def host_with(*packs):
    plugin = types.ModuleType("packs_plugin")
    plugin.SPCBENCH_API = 1

    @hookimpl
    def spcbench_packs():
        return packs

    plugin.spcbench_packs = spcbench_packs
    return PluginHost.of(plugin)


@pytest.fixture(scope="module")
def host():
    return host_with(pack())


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("as it was")
    return path


def counts(**more):
    parts = [
        pd.DataFrame(
            {"measure": name, "unit": unit, "period": MONTHS, "numerator": 8, "denominator": 10}
        )
        for name in ("care:warm", "own:other")
        for unit in ("B", "A")
    ]
    return pd.concat(parts, ignore_index=True).assign(**more)


def words(sections):
    (section,) = [one for one in sections if one.title == "Added"]
    return section.text


def test_a_report_of_all_units_has_the_sections_of_its_packs(host, kept):
    made = spcbench.pack_sections(counts(), files={"kept": str(kept)}, host=host)
    assert words(made) == ("report all A+B", "2025-02", "kept: as it was", "care:warm+own:other")


def test_it_keeps_to_what_was_asked_for(host):
    made = spcbench.pack_sections(counts(), measure="warm", until="2024-06-01", host=host)
    assert words(made) == ("report all A+B", "2024-06", "care:warm")
    mixed = counts()
    mixed["level"] = mixed["unit"].map({"A": "provider", "B": "region"})
    made = spcbench.pack_sections(mixed, level="trust", host=host)
    assert words(made)[0] == "report all A"


@pytest.mark.parametrize("given", [{"measure": "other"}, {"until": "2020-01-01"}])
def test_without_a_pack_or_a_period_there_are_none(host, given):
    assert spcbench.pack_sections(counts(), host=host, **given) == ()


def test_pages_hand_files_on(host, kept):
    files = {"kept": kept}
    unit = spcbench.unit_report(counts(), unit="A", files=files, host=host)
    area = spcbench.area_report(counts(), files=files, host=host)
    assert words(unit.sections)[0::2] == ("unit A A", "kept: as it was")
    assert words(area.sections)[0::2] == ("area all A+B", "kept: as it was")
    assert len(words(spcbench.unit_report(counts(), unit="A", host=host).sections)) == 3


@pytest.mark.parametrize(
    "make",
    [
        lambda given: spcbench.pack_sections(counts(), **given),
        lambda given: spcbench.unit_report(counts(), unit="A", **given),
        lambda given: spcbench.area_report(counts(), **given),
    ],
)
def test_a_file_that_no_pack_uses_is_told_with_those_that_are(host, kept, make):
    said = r"no pack of these measures uses a file called 'kpet'; did you mean 'kept'\? Known: kept"
    with pytest.raises(OptionError, match=said):
        make({"files": {"kpet": kept}, "host": host})
    with pytest.raises(OptionError, match=r"'kept'; they use no file \(packs: care@1\)"):
        make({"files": {"kept": kept}, "host": host_with(pack(files={}))})


def test_what_is_wrong_in_the_file_is_told_by_the_pack(kept):
    def refusing(page):
        raise InputError(f"{page.files['kept'].name}, row 2: is not a word")

    with pytest.raises(InputError, match=r"^kept.txt, row 2: is not a word$"):
        spcbench.pack_sections(
            counts(), files={"kept": kept}, host=host_with(pack(sections=refusing))
        )
    failing = host_with(pack(sections=lambda page: 1 / 0))
    with pytest.raises(PluginError, match="pack 'care@1' failed when asked for its sections"):
        spcbench.pack_sections(counts(), host=failing)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"files": {"My file": "x"}}, "the name of a file, 'My file', must match"),
        ({"sections": None}, "names files, but has no sections that use them"),
    ],
)
def test_a_pack_that_names_files_checks_itself(given, said):
    with pytest.raises(PackError, match=said):
        pack(**given)
