"""A folder of macros is loaded, or refused with every problem; a macro never leaves with a hole."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.api import load as load_config
from mailbot.domain.reasons import Refusal
from mailbot.errors import ConfigError
from mailbot.mail.compose import macros
from mailbot.mail.compose.macros import VALUES, Macros
from mailbot.mail.compose.template_values import LANGUAGES
from mailbot.mail.compose.templates import load
from tests.builders import policy

SHIPPED = Path(__file__).parents[2] / "templates"
ALL = dict.fromkeys(VALUES, "x") | {"promised_at": "Senin, 30 November, pukul 12.00 WIB"}
HELLO = "{# A greeting. #}\nHalo {{ customer_name }},\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "templates"))


def write(folder: Path, indonesian: str, english: str | None = None, name: str = "hello") -> Macros:
    texts = {"id": indonesian, "en": indonesian if english is None else english}
    for language, text in texts.items():
        (folder / "macros" / f"{name}.{language}.txt.j2").write_text(text)
    return load(folder).macros


def render(found: Macros, arguments: Mapping[str, str] | None = None, **values: str) -> str | Refusal:
    given_values = dict.fromkeys(LANGUAGES, ALL | values)
    return found.render("hello", ("id",), given_values, arguments or {}, {"order_number": "INV-1"})


def refused(result: str | Refusal) -> str:
    assert isinstance(result, Refusal)
    return str(result.reason)


FAULTS = {
    "no comment": ("Halo", 1, "does not say what it is for"),
    "an unknown value": ("{# x #}\n\nHalo {{ custmer_name }}", 3, "there is no 'custmer_name' here"),
    "a syntax error": ("{# x #}\nHalo\n{{ brand }", 3, "unexpected '}'"),
    "a whole mapping": ("{# x #}\nHalo\n{{ argument }}", 3, "can print text and numbers"),
    "no text": ("{# x #}\n{% if not brand %}Halo{% endif %}", 1, "has no text"),
    "an include": ("{# x #}\n{% include 'y' %}", 2, "not available in mail templates"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_with_its_file_and_line(folder: Path, fault: str) -> None:
    text, line, message = FAULTS[fault]
    with pytest.raises(ConfigError) as caught:
        write(folder, text)
    found = [each for each in caught.value.problems if each.file.endswith("hello.id.txt.j2")]
    assert [(each.line, message in each.message) for each in found] == [(line, True)]


def test_a_macro_needs_both_languages_with_the_same_arguments(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"`argument.sum` is used here, but not in hello.en"):
        write(folder, "{# x #}\n{{ argument.sum }}", "{# x #}\nHello")
    write(folder, HELLO)
    (folder / "macros" / "hello.en.txt.j2").unlink()
    with pytest.raises(ConfigError, match=r"hello.en.txt.j2.*this text of the macro is missing"):
        load(folder)


def test_a_file_that_is_no_macro_is_named(folder: Path) -> None:
    (folder / "macros" / "Refund.txt").write_text("x")
    with pytest.raises(ConfigError, match="is no text of a macro"):
        load(folder)


def test_templates_without_macros_load(folder: Path) -> None:
    shutil.rmtree(folder / "macros")
    assert load(folder).macros.by_name == {}
    assert "this installation has none" in refused(render(load(folder).macros))


def test_a_missing_value_that_is_printed_refuses_the_macro_with_all_names(folder: Path) -> None:
    text = "{# x #}\n{{ argument.sum }} {{ detail.tracking }} {{ argument.sum }} {{ detail.order_number }}"
    found = write(folder, text)
    assert "needs: sum, tracking" in refused(render(found))
    assert render(found, {"sum": "Rp 1", "tracking": "J"}) == "Rp 1 J Rp 1 INV-1"
    assert "needs: sum" in refused(render(found, {"sum": " ", "tracking": "J"}))


def test_a_value_inside_an_if_may_be_missing(folder: Path) -> None:
    found = write(folder, "{# x #}\nHalo{% if argument.sum %} {{ argument.sum }}{% endif %}")
    assert (render(found), render(found, {"sum": "1"})) == ("Halo", "Halo 1")
    assert (found.by_name["hello"].names_of("argument"), found.by_name["hello"].needed) == (("sum",), set())


def test_an_argument_that_the_macro_does_not_use_is_refused(folder: Path) -> None:
    found = write(folder, "{# x #}\n{{ argument.sum }}")
    assert "does not use amount; it knows: sum" in refused(render(found, {"amount": "1"}))
    assert "takes no arguments" in refused(render(write(folder, HELLO), {"amount": "1"}))


def test_an_argument_goes_before_the_detail_of_the_same_name(folder: Path) -> None:
    assert render(write(folder, "{# x #}\n{{ detail.order_number }}"), {"order_number": "INV-2"}) == "INV-2"


def test_a_time_that_nobody_promised_refuses_the_macro(folder: Path) -> None:
    found = write(folder, "{# x #}\n{{ promised_at }}")
    assert "#working until TIME" in refused(render(found, promised_at=""))


def test_an_unknown_macro_names_the_nearest(folder: Path) -> None:
    found = load(folder).macros
    assert "refund-sent" in refused(found.render("refund-snt", ("id",), {"id": ALL}, {}, {}))


def test_what_the_policy_lacks_is_a_remark_at_its_line(folder: Path) -> None:
    found = write(folder, "{# x\n   for: a/b, pay #}\n{{ detail.invoice }}", name="z")
    lacking = macros.find_unknown(found, policy(categories=("pay",)))
    own = [each for each in lacking if "z.id." in each.file]
    assert [(each.line, each.message.partition(" has ")[2]) for each in own] == [
        (3, "no detail `invoice`"),
        (2, "no category `a/b`"),
    ]
    macro = found.by_name["z"]
    assert (macro.fits("pay/double"), macro.fits("payment"), macro.fits("a")) == (True, False, False)


@pytest.fixture(scope="module")
def shipped() -> Macros:
    return load(SHIPPED).macros


@given(value=st.text(max_size=200), name=st.text(max_size=50).filter(lambda name: name != "what"))
def test_arguments_are_values_and_never_templates(shipped: Macros, value: str, name: str) -> None:
    def render(arguments: Mapping[str, str]) -> str | Refusal:
        return shipped.render("solved", ("en",), {"en": ALL}, arguments, {})

    shown = render({"what": f"{value}{{{{ number }}}}"})
    assert isinstance(shown, str)
    assert "{{ number }}" in shown
    assert isinstance(render({"what": "x", name: value}), Refusal)


def test_the_shipped_macros_serve_every_category_of_the_shipped_rules(shipped: Macros) -> None:
    categories = load_config(SHIPPED.parent / "config", {}).policy.categories
    special = [macro for macro in shipped.by_name.values() if macro.categories]
    leaves = [each for each in categories if not any(other.startswith(f"{each}/") for other in categories)]
    assert [each for each in leaves if not any(macro.fits(each) for macro in special)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_macros_are_short_polite_and_ask_for_no_secret(shipped: Macros, language: str) -> None:
    for macro in shipped.by_name.values():
        names = {use.name: f"({use.name})" for use in macro.uses}
        text = shipped.render(macro.name, (language,), {language: ALL}, names, names)
        assert isinstance(text, str)
        assert len(text) < 900
        assert not re.search(r"\b(Bu|Pak|Ibu|Bapak|Mr|Mrs|Madam|Sir)\b", text)
        assert not re.search(
            r"(?i)(kirim(?:kan)?|sebutkan|send|tell) (?:kode|your|pin)[^.]*(pin|otp|code|password)", text
        )
