"""Records of time, current and voltage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool.errors import ReaderError
from eistool.readers.polarization import is_polarization, read_polarization

TIME = [0.0, 60.0, 120.0, 180.0]
CURRENT = [0.0, 2e-6, 1.5e-6, 1.25e-6]
VOLTAGE = [0.0, 1.0, 1.0, 1.0]

MPT = (
    "EC-Lab ASCII FILE\nNb header lines : 5\n\nChronoamperometry / Chronocoulometry\n"
    "mode\tox/red\ttime/s\tcontrol/V\tEwe/V\tI/mA\tcycle number\n"
    "2\t0\t0,000E+000\t0,9\t0,0\t0,0\t1\n2\t0\t6,0E+001\t0,9\t1,0\t2,0E-003\t1\n"
    "2\t0\t1,2E+002\t0,9\t1,0\t1,5E-003\t1\n2\t0\t1,8E+002\t0,9\t1,0\t1,25E-003\t1\n"
)
DTA = (
    "EXPLAIN\nTAG\tCHRONOA\nOCVCURVE\tTABLE\t1\n\tPt\tT\tVf\n\t#\ts\tV\n\t0\t0.2\t0.3\n"
    "CURVE1\tTABLE\n\tPt\tT\tVf\tIm\tOver\n\t#\ts\tV vs. Ref.\tA\tbits\n\t0\t0\t0\t0\t...\n\t1\t60\t1\t2e-6\t...\n"
    "CURVE2\tTABLE\n\tPt\tT\tVf\tIm\tOver\n\t#\ts\tV vs. Ref.\tA\tbits\n"
    "\t0\t120\t1\t1.5e-6\t...\n\t1\t180\t1\t1.25e-6\t...\n"
)
VARIANTS = {
    "plain": "time_s,current_A,voltage_V\n0,0,0\n60,2e-6,1\n120,1.5e-6,1\n180,1.25e-6,1\n",
    "decimal commas": "Zeit / min;Strom / µA;Spannung / mV\n0;0;0\n1;2,0;1000\n2;1,5;1000\n3;1,25;1000\n",
    "tabs and brackets": "Potential (V)\tTime (h)\tCurrent (nA)\n0\t0\t0\n"
    "1\t0.016666666666666666\t2000\n1\t0.03333333333333333\t1500\n1\t0.05\t1250\n",
    "row of units": "Time,I,U\ns,uA,V\n0,0,0\n60,2,1\n120,1.5,1\n180,1.25,1\n",
    "title and comment": "# hold of cell 7\n# made today\n\nt [s]  I [mA]  E [V vs Li]\n0 0 0\n60 2e-3 1\n"
    "120 1.5e-3 1\n180 1.25e-3 1\n",
    "autolab": "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V)\n"
    "0.9;0;0;0\n0.9;60;2e-6;1\n0.9;120;1.5e-6;1\n0.9;180;1.25e-6;1\n",
    "cycler": "Data_Point,Test_Time(s),Step_Time(s),Current(A),Voltage(V)\n1,0,0,0,0\n2,60,0,2e-6,1\n"
    "3,120,60,1.5e-6,1\n4,180,120,1.25e-6,1\n",
    "clock": "time,I/mA,V/V\n0:00:00,0,0\n0:01:00,2e-3,1\n0:02:00,1.5e-3,1\n0:03:00,1.25e-3,1\n",
    "mpt": MPT,
    "dta": DTA,
}


def write(folder: Path, text: str, name: str = "hold.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_every_dialect_gives_the_same_record(tmp_path: Path, name: str, encoding: str) -> None:
    path = write(tmp_path, VARIANTS[name], encoding=encoding)
    record = read_polarization(path)
    np.testing.assert_allclose(record.time_s, TIME, atol=1e-9)
    np.testing.assert_allclose(record.current_A, CURRENT, atol=1e-15)
    np.testing.assert_allclose(record.voltage_V, VOLTAGE, atol=1e-12)
    assert is_polarization(path)


def test_clock_of_a_second_table_may_start_anew(tmp_path: Path) -> None:
    text = DTA.replace("\t0\t120\t", "\t0\t5\t").replace("\t1\t180\t", "\t1\t65\t")
    assert (np.diff(read_polarization(write(tmp_path, text, "a.DTA")).time_s) > 0).all()


def test_three_electrodes(tmp_path: Path) -> None:
    text = "time/s\tEwe vs Li+/Li /V\tEce/V\tI/mA\n0\t2\t0.62\t0\n1\t1.9\t0.7\t1\n2\t1.9\t0.7\t1\n"
    record = read_polarization(write(tmp_path, text))
    np.testing.assert_allclose(record.voltage_V, [1.38, 1.2, 1.2])
    assert record.working_V is not None
    assert record.counter_V is not None
    np.testing.assert_allclose(record.working_V - record.counter_V, record.voltage_V)


def test_a_missing_unit_is_said(tmp_path: Path) -> None:
    record = read_polarization(write(tmp_path, "time,current,voltage\n0,0,0\n1,1e-6,1\n2,1e-6,1\n"))
    assert "column 'current' has no unit; read as A" in record.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n2,3,4\n3,4,5\n", "no header with time, voltage and current"),
        ("time_s,voltage_V\n1,2\n2,3\n3,4\n", r"hold.csv, line 1: no current among the columns 'time_s'"),
        ("words only\n", "expected columns such as time_s,voltage_V,current_mA"),
        ("time_s,current_A,voltage_V\n1,x,1\n2,x,1\n3,x,1\n4,x,1\n", "0 rows with time, current and voltage"),
        ("EXPLAIN\nTAG\tEISPOT\nZCURVE\tTABLE\n\tPt\n", "no CURVE table with rows \\(tables: ZCURVE\\)"),
        ("EC-Lab ASCII FILE\nNb header lines : 3\nnothing\n", "no line with column names such as time/s"),
    ],
)
def test_what_is_none_says_why(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ReaderError, match=message):
        read_polarization(path)
    assert not is_polarization(path)


@given(text=st.text(alphabet="0123456789.,;-+eE \t\n\"'#|()timeAVs/", max_size=300))
@settings(max_examples=60)
def test_garbage(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("garbage") / "x.csv"
    for start in ("", "time_s,current_A,voltage_V\n0,0,0\n1,1,1\n2,1,1\n"):
        path.write_text(start + text, encoding="utf-8")
        try:
            assert len(read_polarization(path)) >= 3
        except ReaderError as error:
            assert "x.csv" in str(error)  # noqa: PT017  # an error is one of two good ends


def test_measured_gamry_file(real_data: Path) -> None:
    record = read_polarization(real_data / "gamry-parser" / "tests" / "cv_data.dta")
    assert len(record) > 30
    assert record.current_A[0] == 7.80498e-9
    assert record.voltage_V[0] == 0.49
    assert not is_polarization(real_data / "gamry-parser" / "tests" / "eispot_data.dta")
