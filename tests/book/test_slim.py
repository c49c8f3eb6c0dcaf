from __future__ import annotations

import pytest

from gptrepro.book.slim import ICON_RULE, keep_icons, keep_rules, uncoloured, without_spans

MANY = "".join(f'icon{n}:[1,1,[],"f00{n % 10}","M0"],' for n in range(1000))


def test_only_the_named_icons_stay() -> None:
    moon, house = 'moon:[384,512,[127769],"f186","M1 2"],', '"house-user":[1,2,["home"],"e1b0",["a","b"]]'
    script = f"var i={{{MANY}{moon}{house}}};f()"
    assert keep_icons(script, {"moon"}) == f"var i={{{moon}}};f()"
    assert '"house-user"' in keep_icons(script, {"home"})


def test_a_script_of_another_layout_is_left_alone() -> None:
    with pytest.raises(ValueError, match="only 1 icons"):
        keep_icons('var i={moon:[384,512,[],"f186","M1 2"]}', {"moon"})


def test_only_rules_for_classes_in_use_stay() -> None:
    style = ":root{--x:.5}.a,.b{c:d}.a .b{e:f}@media print{.b>p{g:h}.a{i:j}}@keyframes k{0%{l:m}12.5%{n:o}}"
    kept = ":root{--x:.5}.a,.b{c:d}@media print{.a{i:j}}@keyframes k{0%{l:m}12.5%{n:o}}"
    assert keep_rules(style, {"a"}) == kept
    assert keep_rules(style, {"a", "b"}) == style


@pytest.mark.parametrize("selector", [".a:not(.b,.c)", '[href$=".pdf"].b', r".w-1\\/2", "html"])
def test_a_selector_that_cannot_be_taken_apart_stays(selector: str) -> None:
    assert keep_rules(f"/* see .b */{selector}{{c:d}}", {"a"}) == f"{selector}{{c:d}}"


def test_icon_rules_go_and_others_stay() -> None:
    icons = r'.fa-moon:before{content:"\f186"}.fa-a:before,.fa-b::before{content:"x"}'
    style = icons + '.fa-spin{animation:x}.a{content:"y"}'
    assert ICON_RULE.sub("", style) == '.fa-spin{animation:x}.a{content:"y"}'


def test_words_of_code_in_the_colour_of_the_code_around_them_lose_their_spans() -> None:
    light, dark = 'html[data-theme="light"] .highlight', 'html[data-theme="dark"] .highlight'
    style = f"""{light} {{ background: #fff; color: #080808 }}
{light} .n {{ color: #080808 }} /* Name */
{light} .p {{ color: #080808 }}
{light} .gs {{ color: #080808; font-weight: bold }}
{dark} {{ background: #000; color: #F8F8F2 }}
{dark} .n {{ color: #F8F8F2 }}
{dark} .p {{ color: #FFD900 }}
"""
    assert uncoloured(style) == {"n"}
    code = '<span></span><span class="n">a</span><span class="p">(</span><span class="n">b&lt;</span>'
    bare = '<span></span>a<span class="p">(</span>b&lt;'
    page = '<span class="n">prose</span><div class="highlight"><pre>{}\n</pre></div>'
    assert without_spans(page.format(code), {"n"}) == page.format(bare)
