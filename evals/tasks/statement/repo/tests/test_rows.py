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
