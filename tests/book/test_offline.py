from __future__ import annotations

import pytest

from gptrepro.book.offline import keep_icons

MANY = "".join(f'icon{n}:[1,1,[],"f00{n % 10}","M0"],' for n in range(1000))


def test_only_the_named_icons_stay() -> None:
    moon, house = 'moon:[384,512,[127769],"f186","M1 2"],', '"house-user":[1,2,["home"],"e1b0",["a","b"]]'
    script = f"var i={{{MANY}{moon}{house}}};f()"
    assert keep_icons(script, {"moon"}) == f"var i={{{moon}}};f()"
    assert '"house-user"' in keep_icons(script, {"home"})


def test_a_script_of_another_layout_is_left_alone() -> None:
    with pytest.raises(ValueError, match="only 1 icons"):
        keep_icons('var i={moon:[384,512,[],"f186","M1 2"]}', {"moon"})
