from hypothesis import given
from hypothesis import strategies as st

from agents.writing import SECTIONS, Sentence, parse, pieces

ANYTHING = st.text() | st.text(alphabet="{}. \n#-E1ab_!?*", max_size=80)


@given(ANYTHING)
def test_pieces_are_the_whole_text(text: str) -> None:
    rebuilt = "".join(p.content if p.kind == "text" else "\0" for p in pieces(text))
    assert rebuilt.replace("\0", "") in ("", rebuilt.replace("\0", ""))
    assert sum(len(p.content) for p in pieces(text)) <= len(text)


@given(ANYTHING)
def test_parse_is_total_and_loses_no_word(text: str) -> None:
    draft = parse(text)
    assert [s.title for s in draft.sections] == [
        t for t in SECTIONS if t in {s.title for s in draft.sections}
    ]
    said = "".join(s.text for s in draft.sentences)
    assert set("".join(said.split())) <= set(text)


def test_parse_reads_sections_bullets_and_sentences() -> None:
    draft = parse("Before. After.\n## why\n- One. Two!\n\n**What to do:**\n1. Do it.")
    assert [(s.title, [(line.bullet, len(line.sentences)) for line in s.lines]) for s in draft.sections] == [
        ("What happened", [(False, 2)]),
        ("Why", [(True, 2)]),
        ("What to do", [(True, 1)]),
    ]


def test_parse_reads_unknown_headings_as_prose() -> None:
    assert parse("# Title\nText.").sentences[0].text == "# Title"


def test_sentence_splits_prose_from_placeholders() -> None:
    sentence = Sentence("It fell by {{ E3.delta_pp }} in {{incident.slice}}.")
    assert sentence.placeholders == ("E3.delta_pp", "incident.slice")
    assert sentence.prose == "It fell by   in  ."
