"""Tables as officers' programs write them: separators, marks at the start, quotes, line numbers, and what is said of broken ones."""

from pathlib import Path

import pytest

from shared.imports import Report, RowError, nip_problem, parse_table, read_nip, read_table

NIP = "198001012005011001"


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\r\n\r\n"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separator_mark_and_line_ends_are_found_out(separator: str, start: bytes, ending: str) -> None:
    lines = ["NIP", "Nama"], [NIP, "Siti"], ["", ""], [NIP, "Budi"]
    raw = start + ending.join(separator.join(line) for line in lines).encode() + ending.encode()

    table = parse_table(raw, ("nip", "name"))

    assert table.errors == []
    assert [row["name"] for row in table.rows] == ["Siti", "Budi"]


def test_excel_may_name_the_separator_in_a_line_of_its_own() -> None:
    table = parse_table(b'sep=;\r\ncode;name\r\nA;"Dinas; Kota"\r\n', ("code", "name"))

    assert [(row.number, row["name"]) for row in table.rows] == [(3, "Dinas; Kota")]


def test_a_row_is_named_by_the_line_on_which_it_starts() -> None:
    table = parse_table(b'code,name\nA,"Dinas\nKota"\nB,Badan\n', ("code", "name"))

    assert [row.number for row in table.rows] == [2, 4]


def test_officers_words_for_columns_are_understood() -> None:
    table = parse_table(b"NIP;Nama;Unit Kerja;TMT\n1;2;3;4\n", ("nip", "name", "org_unit", "since"))

    assert (table.errors, table.rows[0]["org_unit"], table.rows[0]["since"]) == ([], "3", "4")


def test_a_mistyped_column_is_an_error_and_a_foreign_one_a_warning() -> None:
    table = parse_table(b"code;name;timzone;catatan\nA;B;WIB;x\n", ("code", "name"), ("timezone",))

    assert [str(error) for error in table.errors] == ["baris 1, kolom timzone: kolom tidak dikenal; mungkin maksudnya timezone"]
    assert [warning.column for warning in table.warnings] == ["catatan"]


@pytest.mark.parametrize(("raw", "said"), [
    (b"", "berkas kosong"),
    (b"   \n \n", "berkas kosong"),
    (b"name\nSiti\n", "kolom code tidak ada"),
    (b"code;name;name\nA;B;C\n", "ada dua kali"),
    ("code;name\nA;Dinas".encode("utf-16"), "bukan teks UTF-8"),
    ("code;name\nA;Dinas Kesehatan é".encode("latin-1"), "bukan UTF-8"),
    (b'code;name\nA;"Dinas\nB;Badan\n', "tanda kutip"),
    (b"code;name\nA;B;C\n", "3 sel"),
    (b"code;name\nA\n", "hanya 1 sel, padahal judulnya 2 kolom: name tidak ada"),
    (b"<html><table><tr><td>code</td></tr></table>", "halaman web"),
    (b"code;name\nA;" + b"x" * 200_000 + b"\n", "terlalu panjang"),
])
def test_a_broken_table_is_told_in_a_sentence(raw: bytes, said: str) -> None:
    errors = parse_table(raw, ("code", "name")).errors

    assert len(errors) == 1
    assert said in errors[0].problem


def test_excel_may_leave_out_the_last_separators_of_cells_that_may_be_empty() -> None:
    table = parse_table(b"code;name;timezone\nA;Dinas\n", ("code", "name"), ("timezone",))

    assert (table.errors, table.rows[0]["timezone"]) == ([], "")


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path: Path) -> None:
    [error] = read_table(tmp_path / "nothing.csv", ("code",)).errors

    assert error.problem == "nothing.csv: berkas tidak ada; periksa nama dan foldernya"
    [folder] = read_table(tmp_path, ("code",)).errors
    assert "ini folder" in folder.problem
    assert str(tmp_path) not in error.problem


@pytest.mark.parametrize("cell", [NIP, "19800101 200501 1 001", f"'{NIP}", f" {NIP} "])
def test_a_nip_is_read_however_it_is_spaced(cell: str) -> None:
    assert read_nip(cell) == NIP


@pytest.mark.parametrize(("cell", "said"), [("1,98001E+17", "rusak oleh Excel"), ("1.98E17", "rusak oleh Excel"), ("98001", "ini 5 angka")])
def test_a_broken_nip_is_told_without_repeating_it(cell: str, said: str) -> None:
    assert read_nip(cell) is None
    assert said in nip_problem(cell)
    assert cell not in nip_problem(cell)


def test_a_report_counts_what_it_does_not_list() -> None:
    report = Report("Pegawai", 300, errors=tuple(RowError(n, "nip", "salah") for n in range(300)))

    lines = report.lines()

    assert "... dan 100 kesalahan lain" in lines
    assert lines[-1].startswith("300 kesalahan: tidak ada yang diterapkan")
