from __future__ import annotations

import stat
from types import ModuleType
from typing import Any

import pytest

from spcbench.errors import InputError, OptionError, PluginError, UnknownNameError
from spcbench.plugin import OutputFormat, hookimpl
from spcbench.plugin.host import PluginHost
from spcbench.writing import write


def host_of(render: Any, *, suffix: str = ".page") -> PluginHost:
    """A host whose one plugin, `pages`, writes files with this function."""
    plugin = ModuleType("pages")
    record = OutputFormat(
        id="page", title="Page", suffix=suffix, media_type="text/plain", render=render
    )
    plugin.SPCBENCH_API = 1
    plugin.spcbench_formats = hookimpl(lambda: [record], specname="spcbench_formats")
    return PluginHost.of(plugin, builtins=(), strict=False)


def test_the_ending_chooses_the_format(tmp_path):
    written = write("report", tmp_path / "out.page", host=host_of(lambda report: report.encode()))
    assert written == (tmp_path / "out.page",)
    assert written[0].read_bytes() == b"report"


def test_several_tables_stand_beside_each_other(tmp_path):
    host = host_of(lambda _: {"": b"main", "summary": b"sum"})
    written = write(None, str(tmp_path / "out.2024.page"), host=host)
    assert [path.name for path in written] == ["out.2024.page", "out.2024.summary.page"]
    assert written[1].read_bytes() == b"sum"


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    (tmp_path / "out.page").write_bytes(b"old and longer")
    write(None, tmp_path / "out.page", host=host_of(lambda _: b"new"))
    assert [path.name for path in tmp_path.iterdir()] == ["out.page"]
    assert (tmp_path / "out.page").read_bytes() == b"new"


def test_files_may_be_read_like_any_other(tmp_path):
    (tmp_path / "other").touch()
    [path] = write(None, tmp_path / "out.page", host=host_of(lambda _: b""))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_format_that_fails_is_named_and_leaves_nothing(tmp_path):
    def render(_):
        raise ZeroDivisionError("by nought")

    (tmp_path / "out.page").write_bytes(b"old")
    message = "format 'page' of plugin 'pages' failed: ZeroDivisionError: by nought"
    with pytest.raises(PluginError, match=message) as caught:
        write(None, tmp_path / "out.page", host=host_of(render))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (tmp_path / "out.page").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_format_says_on_purpose_passes_unchanged(tmp_path):
    def render(_):
        raise InputError("row 3 is wrong")

    with pytest.raises(InputError, match=r"^row 3 is wrong$"):
        write(None, tmp_path / "out.page", host=host_of(render))


@pytest.mark.parametrize(("given", "called"), [("text", "str"), ({"": "text"}, "dict")])
def test_a_format_must_give_bytes(tmp_path, given, called):
    message = f"'page' of plugin 'pages' failed: TypeError: render must give bytes.*gave {called}"
    with pytest.raises(PluginError, match=message):
        write(None, tmp_path / "out.page", host=host_of(lambda _: given))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["../escape", "a/b", ".."])
def test_a_part_cannot_leave_the_folder(tmp_path, part):
    folder = tmp_path / "inner"
    folder.mkdir()
    message = "must name its parts by letters, digits, '-' and '_'"
    with pytest.raises(PluginError, match=message):
        write(None, folder / "out.page", host=host_of(lambda _: {"": b"", part: b""}))
    assert not list(folder.iterdir())


def test_a_missing_folder_is_told_before_anything_is_drawn(tmp_path):
    def render(_):
        pytest.fail("it was drawn")

    with pytest.raises(OptionError, match=r"cannot write 'out\.page': there is no folder .*absent"):
        write(None, tmp_path / "absent" / "out.page", host=host_of(render))


def test_a_write_that_fails_half_way_leaves_no_temporary_files(tmp_path):
    # A folder in the way of the second file cannot be replaced.
    (tmp_path / "out.summary.page").mkdir()
    host = host_of(lambda _: {"": b"main", "summary": b"sum"})
    with pytest.raises(OptionError, match=r"cannot write .*out\.summary\.page"):
        write(None, tmp_path / "out.page", host=host)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_an_unknown_ending_is_told(tmp_path):
    with pytest.raises(UnknownNameError, match=r"'\.doc'.*Known: \.page"):
        write(None, tmp_path / "out.doc", host=host_of(lambda _: b""))


def test_disclosure_that_does_not_exist_is_refused_not_ignored(tmp_path):
    message = "disclosure must be 'none', not 'nhs': suppression and rounding are not part"
    with pytest.raises(OptionError, match=message):
        write(None, tmp_path / "out.page", disclosure="nhs", host=host_of(lambda _: b""))
    assert not list(tmp_path.iterdir())
