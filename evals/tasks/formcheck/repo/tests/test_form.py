from formcheck import Form, between, required


def test_all_is_well():
    assert Form("f").field("name", required).check({"name": "Ann"}) == {}


def test_what_is_wrong():
    form = Form("f").field("name", required).field("age", required, between(18, 120))
    assert form.check({"age": "17"}) == {"name": ["is missing"], "age": ["must be between 18 and 120"]}
