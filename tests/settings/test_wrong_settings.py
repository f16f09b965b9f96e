"""Every mistake in ``eistool.toml`` is named by file, line and key."""

import re
import tomllib
from pathlib import Path

import pytest

from eistool.errors import ConfigError
from eistool.settings import FILE_NAME, Settings, commented_defaults, load_settings


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n[fit]\n\njobs = 0\n", 4, ["fit.jobs = 0", "greater than 0"]),
        ("[fit]\ncircuit = 1\n", 2, ["fit.circuit = 1", "string"]),
        ("fit.jobs = -1\n", 1, ["fit.jobs = -1"]),
        ("# text\n[fit]\ndrt = 'maybe'\n", 3, ["fit.drt = 'maybe'", "boolean"]),
        ("[fit]\n[fti]\n", 2, ["unknown key 'fti'", "allowed are fit, subtraction, circuits"]),
        ("[fit]\nplots = 'all'\nplot = 'all'\n", 3, ["unknown key 'fit.plot'"]),
        ("[subtraction]\nlead = [1.0]\n", 2, ["subtraction.lead"]),
        ("[subtraction]\n\nlead = [1.0, -2.0]\n", 3, ["subtraction.lead.1 = -2.0"]),
        ("[fit]\ncircuit = 'spike\n", 2, ["key 'circuit'", "write TOML"]),
        ("[fit]\nwords\n", 2, ["write TOML"]),
        ("[fit]\ncircuit = " + 5000 * "[" + 5000 * "]", 2, ["key 'circuit'", "nested too deeply"]),
        ("[fit]\n\njobs = " + 5000 * "1", 3, ["key 'jobs'", "too many digits"]),
        ('[subtraction]\nfull = ["/etc/*"]\n', 2, ["subtraction.full = '/etc/*'", "in or below", "--full"]),
        ('[subtraction]\nlayers = 1\nfull = ["a.mpt", "../../**/*"]\n', 3, ["'../../**/*'", "in or below"]),
        ('[subtraction]\nfull = ["a/../../*"]\n', 2, ["in or below"]),
        ('[subtraction]\nfull = ["a**/b"]\n', 2, ["'a**/b'", "no valid pattern"]),
        ('[subtraction]\nfull = ["a\\u0000b"]\n', 2, [r"'a\x00b'"]),
        ('circuits = "a\\u0000b"\n', 1, ["circuits = ", "no valid path"]),
        ('circuits = "none"\n', 1, ["circuits = 'none'; folder", "create it"]),
        (f"[fit]\nweighting = '{500 * 'x'}'\n", 2, ["fit.weighting = 'xxx", "..."]),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, line: int, words: list[str]) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / FILE_NAME}, line {line}")
    assert len(message) < 700
    for word in words:
        assert word in message


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"[fit]\n# \xe9\n")
    with pytest.raises(ConfigError, match="line 2: not UTF-8"):
        load_settings(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="expected at most"):
        load_settings(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"\xef\xbb\xbf[fit]\njobs = 3\n")  # saved by an editor of Windows
    assert load_settings(tmp_path).fit.jobs == 3


def test_patterns_and_resistances_of_cells(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/full_1.mpt", "a/full_2.mpt", "a/other.mpt"):
        (tmp_path / name).write_text("")
    (tmp_path / FILE_NAME).write_text(
        '[subtraction]\nfull = ["a/full_*.mpt", "275.2,0.5", "absent.mpt"]\nsymmetric = "24.8,0.2"\n'
    )
    settings = load_settings(tmp_path / "a").subtraction
    expected = [str(tmp_path / "a" / f"full_{k}.mpt") for k in (1, 2)]
    assert settings.full == (*expected, "275.2,0.5", str(tmp_path / "absent.mpt"))
    assert settings.symmetric == "24.8,0.2"


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.mpt").write_text("")
    (inside / "link").symlink_to(outside)
    (inside / FILE_NAME).write_text('[subtraction]\nfull = ["*/*.mpt"]\n')
    assert load_settings(inside).subtraction.full == (str(inside / "*/*.mpt"),)


def test_the_commented_defaults_are_the_defaults(tmp_path: Path) -> None:
    text = commented_defaults()
    assert Settings.model_validate(tomllib.loads(text)) == Settings()
    (tmp_path / "circuits").mkdir()
    uncommented = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    (tmp_path / FILE_NAME).write_text(uncommented, encoding="utf-8")
    settings = load_settings(tmp_path)
    known = tomllib.loads(uncommented)
    for table in ("fit", "subtraction"):
        model = getattr(settings, table)
        assert set(known[table]) == set(type(model).model_fields)
        for name, one in type(model).model_fields.items():
            if one.default not in (None, ()):
                assert getattr(model, name) == one.default
    assert max(map(len, text.splitlines())) < 116
