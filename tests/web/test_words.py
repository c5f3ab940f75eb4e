"""Everything that a page may have to name has a word in both languages: an operator reads no code."""

import pytest
from hub_for_rules import built_in_words

from siaga.core.texts import LANGUAGES, Texts


def kinds():
    # What a detector recognises is named by its label.
    return [kind for kind in built_in_words().event_kinds.values() if not kind.name.startswith("object.")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_event_every_value_of_one_and_every_plugin_has_a_word(language):
    texts = Texts(language)
    wanted = {f"web.kind.{kind.name}" for kind in kinds()}
    wanted |= {f"web.field.{field}" for kind in kinds() for field in kind.fields}
    wanted |= {f"web.plugin.{plugin.name}" for plugin in built_in_words().plugins}
    assert sorted(key for key in wanted if not texts.has(key)) == []
