"""Reading an officer's table of TPP ceilings: what can be read, and every wrong cell by row and column."""

from uuid import UUID

import pytest

from services.payroll.importer import Line, read_lines, read_month, read_rupiah
from services.payroll.rules import Ceiling
from shared.imports import RowError, parse_table

ME = UUID("00000000-0000-4000-8000-000000000001")
NIP = "199001012015011001"


def read(text: str, month: str | None = None) -> tuple[list[Line], list[RowError]]:
    lines, errors, _ = read_lines(parse_table(text.encode(), ("amount",), ("employee_id", "nip", "month", "static_tkd")), month)
    return lines, errors


@pytest.mark.parametrize(
    ("cell", "rupiah"),
    [
        ("5250000", 5_250_000), ("5.250.000", 5_250_000), ("Rp 5.250.000,00", 5_250_000), ("Rp5.250.000,-", 5_250_000),
        ("rp. 750.000", 750_000), ("5,250,000.00", 5_250_000), ("5250000,00", 5_250_000), ("0", 0), ("5 250 000", 5_250_000),
        ("5.250.00", None), ("5.25", None), ("-5", None), ("5,5", None), ("lima juta", None), ("", None), ("1e6", None),
    ],
)
def test_rupiah_are_read_as_officers_write_them(cell: str, rupiah: int | None) -> None:
    assert read_rupiah(cell) == rupiah


@pytest.mark.parametrize(
    ("cell", "month"),
    [("2026-02", "2026-02"), ("02/2026", "2026-02"), ("2-2026", "2026-02"), ("2026-13", None), ("1899-01", None), ("Feb", None)],
)
def test_months_are_read_as_officers_write_them(cell: str, month: str | None) -> None:
    assert read_month(cell) == month


def test_a_table_with_semicolons_bom_and_indonesian_headings_is_read() -> None:
    lines, errors = read(f"\ufeffNIP;Bulan;Jumlah;TKD statis\n{NIP};02/2026;5.250.000;1.000.000\n")
    assert errors == []
    assert lines == [Line(2, None, NIP, "2026-02", Ceiling(5_250_000, 1_000_000))]


def test_employees_may_be_named_by_id_and_the_month_by_the_command() -> None:
    lines, errors = read(f"employee_id,amount\n{ME},100\n", "2026-03")
    assert errors == []
    assert lines == [Line(2, ME, None, "2026-03", Ceiling(100))]


def test_all_wrong_cells_are_named_at_once() -> None:
    lines, errors = read(
        "nip;month;amount;static_tkd\n"
        "12345;2026-02;1000;\n"
        f"{NIP};Februari;5,5;\n"
        f"{NIP};2026-02;;-1\n"
        f";2026-02;9999999999;1,99E+17\n"
        "1,99001E+17;2026-02;5250000;\n"
    )
    assert lines == []
    assert [(error.row, error.column) for error in errors] == [
        (2, "nip"), (3, "month"), (3, "amount"), (4, "amount"), (4, "static_tkd"), (5, "nip"), (5, "amount"), (5, "static_tkd"),
        (6, "nip"),
    ]


def test_no_error_repeats_a_nip() -> None:
    _, errors = read(f"nip;month;amount\n{NIP}9;2026-02;1000\n")
    assert errors
    assert all(NIP not in str(error) for error in errors)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("month;amount\n2026-02;1\n", "nip"),
        (f"nip;amount\n{NIP};1\n", "month"),
        (f"nip;month\n{NIP};2026-02\n", "amount"),
        ("", "kosong"),
    ],
)
def test_a_missing_column_is_told_by_name(text: str, said: str) -> None:
    lines, errors = read(text)
    assert lines == []
    assert len(errors) == 1
    assert said in str(errors[0])
