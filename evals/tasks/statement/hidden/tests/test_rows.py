import pytest
from statement.money import cents
from statement.rows import Row, read_rows
from statement.summary import by_payee


@pytest.fixture()
def file(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "statement.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_commas(file):
    assert read_rows(file("Date,Payee,Amount\n2024-01-02,Baker,-3.50\n")) == [Row("2024-01-02", "Baker", -350)]


def test_semicolons_and_other_columns(file):
    rows = read_rows(file("Payee;Note;Amount;Date\nZoë;x;1.234,56;2024-01-02\n"))
    assert rows == [Row("2024-01-02", "Zoë", 123456)]


def test_a_missing_column_is_named(file):
    with pytest.raises(ValueError, match="no column Payee"):
        read_rows(file("Date,Amount\n"))


@pytest.mark.parametrize(("text", "amount"), [("7", 700), ("-7.5", -750), ("1,234.56", 123456), ("1.234", 123400)])
def test_amounts(text, amount):
    assert cents(text) == amount


def test_sums():
    assert by_payee([Row("", "B", 1), Row("", "A", 2), Row("", "B", 3)]) == {"A": 2, "B": 4}


def test_a_byte_order_mark_is_no_part_of_the_first_column(file):
    rows = read_rows(file("Date,Payee,Amount\n2024-01-02,Café,1.00\n", "utf-8-sig"))
    assert rows == [Row("2024-01-02", "Café", 100)]


def test_windows_1252(file):
    rows = read_rows(file("Date;Payee;Amount\n02.01.2024;Müller – Söhne €;-12,00\n", "cp1252"))
    assert rows == [Row("02.01.2024", "Müller – Söhne €", -1200)]


def test_utf_8_is_not_taken_for_windows_1252(file):
    assert read_rows(file("Date,Payee,Amount\nx,Łódź,1\n"))[0].payee == "Łódź"


def test_two_ways_to_write_an_accent_are_one_payee(file):
    rows = read_rows(file("Date,Payee,Amount\nx,Cafe\u0301,1\nx,Caf\u00e9,2\n"))
    assert by_payee(rows) == {"Caf\u00e9": 300}


def test_a_line_separator_in_a_field_ends_no_row(file):
    rows = read_rows(file('Date,Payee,Amount\nx,"A\u2028B",1\ny,"C\x85D",2\n'))
    assert [row.cents for row in rows] == [100, 200]


def test_a_line_break_in_a_quoted_field(file):
    rows = read_rows(file('Date,Payee,Amount\r\nx,"A\r\nB",1\r\ny,C,2\r\n'))
    assert [(row.payee.split(), row.cents) for row in rows] == [(["A", "B"], 100), (["C"], 200)]


def test_the_program(tmp_path, capsys):
    from statement.__main__ import main

    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_bytes("Date,Payee,Amount\nx,Café,1.00\n".encode("cp1252"))
    new.write_bytes("Date,Payee,Amount\nx,Café,2.00\n".encode("utf-8-sig"))
    assert main([str(old), str(new)]) == 0
    assert capsys.readouterr().out == "Café: 3.00\n"
