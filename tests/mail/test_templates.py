"""A folder of templates is loaded, or refused with every problem in it."""

import os
import re
import shutil
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from mailbot.domain.policy import Mailbox
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose import late_templates
from mailbot.mail.compose.cleaning import body_text
from mailbot.mail.compose.template_sandbox import new_environment, render
from mailbot.mail.compose.template_source import compile_source
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES, SAMPLE_NOW, build_values, sample_notices
from mailbot.mail.compose.templates import KINDS, TemplateFailed, Templates, load
from tests.profile import sample

SHIPPED = Path(__file__).parents[2] / "templates"
BOX = Mailbox("support@dukungan.example", "TokoDompet", "TOKO")


@pytest.fixture(scope="module")
def shipped() -> Templates:
    return load(SHIPPED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "templates"))


def problems(folder: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return list(caught.value.problems)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NOTICES)
def test_every_notice_renders_in_every_language(shipped: Templates, name: str, language: str) -> None:
    for notice in sample_notices(name, language):
        values = build_values(notice, BOX, language=language, zone="Asia/Jakarta", now=SAMPLE_NOW)
        subject, text, html = whole = [shipped.render(name, language, kind, values) for kind in KINDS]
        wanted = shipped.names_in(name, language)
        needed = build_values(
            notice, BOX, language=language, zone="Asia/Jakarta", now=SAMPLE_NOW, wanted=wanted
        )
        assert [shipped.render(name, language, kind, needed) for kind in KINDS] == whole
        assert len(subject.strip().splitlines()) == 1
        assert "{" not in text + html
        assert "None" not in subject + text + html
        assert html.count("<p>") + html.count("<p ") == html.count("</p>") > 0
        assert html.count("<td") == html.count("</td>")
        assert all(len(line) < 990 for line in (text + html).split("\n"))


ODD = st.text(st.sampled_from("&<>\"' aé=\n\r\t\x00\x7f\u2028\u200b\ud800\U0001f600") | st.characters())


@given(st.one_of(ODD, st.integers(), ODD.map(Markup)))
def test_values_are_escaped_as_markupsafe_escapes_them(value: Any) -> None:
    source = "{{ value }}{{ each.value }}"
    template, _ = compile_source(new_environment(), Path("x.html.j2"), source, ("value", "each"))
    rendered = render(template, {"value": value, "each": {"value": value}}, time.monotonic)
    assert rendered == str(escape(value)) * 2


@given(ODD)
def test_a_body_keeps_all_but_controls(text: str) -> None:
    lines = re.split("\r\n|[\n\r\u2028\u2029]", text)
    kept = (
        "".join(c for c in line if c == "\t" or unicodedata.category(c) not in ("Cc", "Cs")) for line in lines
    )
    assert re.sub("[\x80-\x9f]", "", body_text(text)) == "\n".join(kept)


def problems_or_none(folder: Path) -> set[str]:
    try:
        load(folder)
    except ConfigError as error:
        return {p.file for p in error.problems}
    return set()


FAULTS = {
    "a syntax error": ("Halo\n{{ number }\n", 2, "unexpected '}'", ""),
    "an unclosed if": ("{{ number }}\n{% if brand %}\nx\n", 3, "end of template", ""),
    "an unknown tag": ("{% iff brand %}{{ number }}{% endiff %}", 1, "iff", ""),
    "a misspelt name": ("{{ number }}\n\n{{ brnad }}", 3, "'brnad'", "did you mean 'brand'?"),
    "a misspelt name where no sample looks": (
        "{{ number }}{% if not brand %}\n{{ mailbx }}{% endif %}",
        2,
        "'mailbx'",
        "did you mean 'mailbox'?",
    ),
    "a value of the sender": ("{{ number }} {{ to }}", 1, "'to'", ""),
    "a misspelt filter": ("{{ number | uper }}", 1, "'uper'", "did you mean 'upper'?"),
    "a misspelt test": (
        "{{ number }}{% if brand is defind %}x{% endif %}",
        1,
        "'defind'",
        "did you mean 'defined'?",
    ),
    "escaping switched off": ("{{ number }}{{ brand | safe }}", 1, "'safe'", ""),
    "an autoescape block": ("{% autoescape false %}{{ number }}{% endautoescape %}", 1, "autoescape", ""),
    "an include": ("{{ number }}{% include 'x' %}", 1, "include", ""),
    "a giant loop": ("{{ number }}\n{% for i in range(10**9) %}x{% endfor %}", 2, "call", ""),
    "loops in loops": (
        "{{ number }}{% for a in brand %}{% for b in brand %}{% endfor %}{% endfor %}",
        1,
        "loop",
        "",
    ),
    "a giant text": ("{{ number }}{{ 'x' * 999999999 }}", 1, "mul", ""),
    "a giant power": ("{{ number }}{{ 9 ** 9 ** 9 }}", 1, "pow", ""),
    "a giant padding": ("{{ number }}{{ 'x'.ljust(999999999) }}", 1, "call", ""),
    "a macro that calls itself": (
        "{{ number }}{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        1,
        "macro",
        "",
    ),
    "a way out of the sandbox": ("{{ number }}{{ brand.__class__.__mro__ }}", 1, "unsafe", ""),
    "a method shown": ("{{ number }}\n{{ brand.upper }}", 2, "text and numbers", ""),
    "a comparison that can't be": ("\n{{ number }}{% if number < 3 %}x{% endif %}", 2, "not supported", ""),
    "deep nesting": ("{{ number }}" + "{% if brand %}" * 200 + "{% endif %}" * 200, 1, "", ""),
    "very deep brackets": ("{{ number }}{{ " + "(" * 20_000 + "brand" + ")" * 20_000 + " }}", 1, "", ""),
    "the number forgotten": (
        "Halo {{ brand }}",
        1,
        "never prints 'number'",
        "put {{ number }} where the reader finds it",
    ),
    "a file too large": ("{{ number }}" + "x" * 300_000, 1, "larger than", ""),
    "an output too large": (
        "{{ number }}" + "{{ marker }}" * 20_000,
        1,
        "longer than 262,144 characters",
        "",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_template_is_refused_with_its_file_and_line(folder: Path, fault: str) -> None:
    source, line, message, hint = FAULTS[fault]
    file = folder / "id" / "acknowledgement.txt.j2"
    file.write_text(source)
    started = time.monotonic()
    first, *_ = problems(folder)
    assert (first.file, first.line, first.column) == (str(file), line, 1)
    assert message in first.message
    assert hint in first.hint
    assert len(first.excerpt) <= 200
    assert time.monotonic() - started < 20  # without limits it would not end


def test_a_template_that_is_not_utf8_is_refused_at_its_line(folder: Path) -> None:
    (folder / "en" / "answer.txt.j2").write_bytes(b"{{ text }}\n\xff\n")
    assert [(p.line, p.message) for p in problems(folder)] == [(2, "is not UTF-8")]


def test_a_missing_template_is_a_problem(folder: Path) -> None:
    (folder / "en" / "team.html.j2").unlink()
    (found,) = problems(folder)
    assert found.file.endswith("en/team.html.j2")
    assert "missing" in found.message


def test_a_pipe_in_place_of_a_template_does_not_block(folder: Path) -> None:
    file = folder / "en" / "team.html.j2"
    file.unlink()
    os.mkfifo(file)
    assert [p.message for p in problems(folder)] == ["is not a file"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("id/acknowledgment.txt.j2", "did you mean 'id/acknowledgement.txt.j2'?"),
        ("id/team.html", "did you mean 'id/team.html.j2'?"),
        ("idn", "did you mean 'id'?"),
    ],
)
def test_an_unknown_file_gets_a_hint(folder: Path, name: str, hint: str) -> None:
    path = folder / name
    path.write_text("x") if path.suffix else path.mkdir()
    assert [(p.file, p.hint) for p in problems(folder)] == [(str(path), hint)]


def test_hidden_files_are_ignored(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "id" / ".team.txt.j2.swp").write_text("x")
    assert load(folder).compiled


def test_a_missing_folder_is_a_problem_like_each_missing_template(tmp_path: Path) -> None:
    found = problems(tmp_path / "nowhere")
    assert "no such folder" in found[0].message
    assert len(found) == 1 + len(NOTICES) * len(LANGUAGES) * len(KINDS)


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    (folder / "id" / "answer.txt.j2").write_text("{{ text }}{{ a }}\n{{ b }}")
    (folder / "en" / "answer.txt.j2").write_text("{{ text")
    (folder / "en" / "refusal.subject.j2").unlink()
    assert len(problems(folder)) == 4


def test_a_whole_page_is_refused_because_two_languages_share_one(folder: Path) -> None:
    (folder / "id" / "progress.html.j2").write_text("<html><body>{{ number }}</body></html>")
    assert [p.message for p in problems(folder)] == ["is a whole page"]


def test_a_template_cut_at_any_byte_is_loaded_or_refused(folder: Path) -> None:
    file = folder / "id" / "refusal.txt.j2"
    whole = file.read_bytes()
    for end in sample(range(0, len(whole), 11), 8):
        file.write_bytes(whole[:end])
        refused = problems_or_none(folder)
        assert refused <= {str(file)}
        assert refused or b"{{ reason }}" in whole[:end]


def test_a_template_is_stopped_at_the_time_limit(folder: Path) -> None:
    ticks = iter(range(10**9))
    with pytest.raises(ConfigError, match="rendering took longer than 1 s"):
        load(folder, clock=lambda: next(ticks))


def test_a_loop_is_stopped_at_the_limit(folder: Path) -> None:
    (folder / "en" / "answer.txt.j2").write_text("{{ text }}{% for c in text %}{% endfor %}")
    templates = load(folder)
    values = build_values(sample_notices("answer", "en")[0], BOX, language="en", zone="UTC", now=SAMPLE_NOW)
    assert templates.render("answer", "en", "txt", values) == "sample text"
    with pytest.raises(TemplateFailed, match=r"en/answer\.txt\.j2: a loop has more than"):
        templates.render("answer", "en", "txt", values | {"text": "x" * 20_000})


def test_html_is_escaped_and_text_is_not(shipped: Templates) -> None:
    values = build_values(sample_notices("answer", "en")[0], BOX, language="en", zone="UTC", now=SAMPLE_NOW)
    values["text"] = "<script>alert('1')</script>\n{{ number }} & {% if %}"
    html = shipped.render("answer", "en", "html", values)
    assert "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;<br>\n{{ number }} &amp; {% if %}" in html
    assert values["text"] in shipped.render("answer", "en", "txt", values)


# --- templates for a command that composes few mails ---------------------------------------------------------


def test_late_templates_render_as_those_that_were_all_tried(shipped: Templates) -> None:
    late = late_templates.load(SHIPPED)
    assert set(late.compiled) == set(shipped.compiled)
    assert dict(late.names) == dict(shipped.names)
    notice = sample_notices("answer", "id")[0]
    values = build_values(notice, BOX, language="id", zone="Asia/Jakarta", now=SAMPLE_NOW)
    for kind in KINDS:
        assert late.render("answer", "id", kind, values) == shipped.render("answer", "id", kind, values)
    assert late.macros.by_name.keys() == shipped.macros.by_name.keys()


def test_a_faulty_template_hinders_only_the_command_that_uses_it(folder: Path) -> None:
    (folder / "id" / "answer.txt.j2").write_text("{% if %}")
    (folder / "macros" / "odd.id.txt.j2").write_text("{% if %}")
    late = late_templates.load(folder)
    assert late.has("answer", "id")
    assert not late.has("acknowledgement.vip", "id")
    assert late.names_in("closing", "id")
    for use in (lambda: late.names_in("answer", "id"), lambda: late.macros.by_name["odd"]):
        with pytest.raises(ConfigError):
            use()
